"""Decide which weights a cell uses: ``auto``, ``random`` or a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.cells.planned import PlannedCell
from fusionbench.cells.progress import Reporter
from fusionbench.cells.trainings import finished_trainings, remedy
from fusionbench.data.joined import TrainingData, find_training_data
from fusionbench.data.pairs import find_split
from fusionbench.errors import DataNotFoundError, UnknownNameError, WeightsError
from fusionbench.files import folder_name
from fusionbench.training.folder import training_folder
from fusionbench.weights.methods import Weights, file_hash
from fusionbench.weights.published import available_weights, lacking_sentence, load_chosen

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod


@dataclass(frozen=True)
class WeightsPolicy:
    """How weights are chosen.

    ``choice`` is auto, trained (auto without what is imported or shipped), latest (the training finished last, whatever
    its recipe and seed), random or a path; ``may_train`` lets the
    first two train where they find none and it takes no more than ``train_within`` minutes (None: any time);
    ``dataset`` names the data sets (one or more, with commas) whose train splits count, None for the fused one.
    """

    choice: str
    out: Path
    data_root: str | None
    seed: int
    device: str
    may_train: bool
    train_within: float | None = None
    dataset: str | None = None


def prepare(cell: PlannedCell, method: FusionMethod, policy: WeightsPolicy, reporter: Reporter) -> Weights:
    """Load the weights a cell is to use into its method and say where they come from.

    Raises WeightsError where there are none, with the command that makes them.
    """
    if not method.trainable:
        return Weights("none", note="no parameters")
    weights = choose(cell, policy)
    if weights is None and not cell.method.card.trainable:
        raise WeightsError(lacking_sentence(cell.method, cell.split.spec.family, cell.config.args))
    weights = weights or train_now(cell, policy, reporter)
    if weights.terms:
        reporter.say(f"{cell.method.name}: {weights.terms}")
    load_chosen(cell.method, method, weights)
    return weights


def choose(cell: PlannedCell, policy: WeightsPolicy) -> Weights | None:
    """Follow the order of ``auto``: own training on the data set, imported, published, shipped weights; else None.

    Loads no torch. Raises WeightsError for a file that does not exist or is not what its JSON says.
    """
    if policy.choice == "random":
        return Weights("random", None, f"random-{policy.seed}", "RANDOM weights, never trained")
    if policy.choice == "latest":
        return latest_weights(cell, policy)
    if policy.choice not in ("auto", "trained"):
        path = Path(policy.choice).expanduser()
        if not path.is_file():
            raise WeightsError(
                f"Weights file '{path}' does not exist: give --weights auto, trained, latest, random or a file."
            )
        return Weights("file", path, file_hash(path), f"weights from {path.name}")
    own = trained_weights(cell, policy)
    if own is not None or policy.choice == "trained" or policy.dataset is not None:
        return own
    wanted = cell.method, cell.split.spec.family, cell.config.args
    return available_weights(*wanted)


def trained_weights(cell: PlannedCell, policy: WeightsPolicy) -> Weights | None:
    """Return the weights of a finished training with the same configuration on the data set's train split."""
    data = training_data(cell, policy)
    if (
        data is None
        or not (policy.out / "training" / folder_name(data.name) / folder_name(cell.method.name)).is_dir()
    ):
        return None
    folder = training_folder(cell.method, cell.config, data, policy.seed, policy.out)
    return from_training(folder.weights) if folder.finished else None


def latest_weights(cell: PlannedCell, policy: WeightsPolicy) -> Weights:
    """Return the weights trained last with these arguments. Raises WeightsError where there are none."""
    data = training_data(cell, policy)
    trainings = finished_trainings(cell, data, policy.out) if data is not None else []
    if not trainings:
        raise WeightsError(
            f"No finished training of {cell.method.name} with these arguments lies in {policy.out / 'training'}: "
            f"`{train_command(cell, policy)}` makes one."
        )
    return from_training(trainings[-1].weights)


def train_command(cell: PlannedCell, policy: WeightsPolicy) -> str:
    """Return the command that trains a cell's method on the data it learns from."""
    data = policy.dataset or cell.split.spec.name
    return f"fusionbench train --method {cell.method.reference} --dataset {data}"


def from_training(path: Path) -> Weights:
    """Return weights that a training wrote. Raises WeightsError where they are not what it wrote."""
    about = path.with_suffix(".json")
    try:
        told = json.loads(about.read_text(encoding="utf-8"))
        stated, note = str(told["sha256"]), str(told["note"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{about} is damaged: delete its folder and train again.") from error
    digest = file_hash(path)
    if digest != stated:
        raise WeightsError(
            f"Trained weights {path} have SHA-256 {digest[:10]}, not {stated[:10]}: delete their folder and train again."
        )
    return Weights("trained", path, digest, note)


def training_data(cell: PlannedCell, policy: WeightsPolicy) -> TrainingData | None:
    """Return what to learn from, None where a data set has no train split or it is not on this machine."""
    try:
        if policy.dataset:
            return find_training_data(policy.dataset, "train", policy.data_root)
        spec = cell.split.spec
        return TrainingData((find_split(spec, spec.splits[cell.split.name].learned_on, policy.data_root),))
    except (DataNotFoundError, UnknownNameError):
        return None


def untrainable(cell: PlannedCell, policy: WeightsPolicy, data: TrainingData | None) -> str | None:
    """Say why a method without weights cannot be trained within the run, and the remedy; None where it can."""
    name, asked = cell.method.name, policy.dataset or cell.split.spec.name
    if data is None:
        return (
            f"No weights for {name} on {asked}, and {asked} has no train split here: learn from another data set, "
            f"`--train-dataset D`, or name a file with --weights."
        )
    if not policy.may_train:
        other = remedy(cell, data, policy.out)
        return (
            f"No weights for {name} on {asked}: `{train_command(cell, policy)}` makes them. {other}".strip()
        )
    return None


def train_now(cell: PlannedCell, policy: WeightsPolicy, reporter: Reporter) -> Weights:
    """Train by the recipe, after saying how long that will take. Raises WeightsError where that cannot be."""
    learned_from = training_data(cell, policy)
    if (why := untrainable(cell, policy, learned_from)) is not None:
        raise WeightsError(why)
    assert learned_from is not None
    from fusionbench.cells.training import train_reported

    return from_training(train_reported(cell, learned_from, policy, reporter))
