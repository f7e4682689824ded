"""Decide which weights a cell uses: ``auto``, ``random`` or a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.cells.planned import PlannedCell
from fusionbench.cells.progress import Reporter
from fusionbench.data.joined import TrainingData, find_training_data
from fusionbench.data.pairs import find_split
from fusionbench.errors import DataNotFoundError, UnknownNameError, WeightsError
from fusionbench.training.folder import training_folder
from fusionbench.weights.methods import Weights, file_hash
from fusionbench.weights.published import available_weights, lacking_sentence, load_chosen

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod


@dataclass(frozen=True)
class WeightsPolicy:
    """How weights are chosen.

    ``choice`` is auto, trained (auto without what is imported or shipped), random or a path; ``may_train`` lets the
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
    if policy.choice not in ("auto", "trained"):
        path = Path(policy.choice).expanduser()
        if not path.is_file():
            raise WeightsError(
                f"Weights file '{path}' does not exist: give --weights auto, trained, random or a file."
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
    if data is None or not (policy.out / "training" / data.name / cell.method.name).is_dir():
        return None
    folder = training_folder(cell.method, cell.config, data, policy.seed, policy.out)
    return from_training(folder.weights) if folder.finished else None


def from_training(path: Path) -> Weights:
    import json

    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return Weights("trained", path, file_hash(path), about["note"])


def training_data(cell: PlannedCell, policy: WeightsPolicy) -> TrainingData | None:
    """Return what to learn from, None where a data set has no train split or it is not on this machine."""
    try:
        if policy.dataset:
            return find_training_data(policy.dataset, "train", policy.data_root)
        spec = cell.split.spec
        return TrainingData((find_split(spec, spec.splits[cell.split.name].learned_on, policy.data_root),))
    except (DataNotFoundError, UnknownNameError):
        return None


def train_now(cell: PlannedCell, policy: WeightsPolicy, reporter: Reporter) -> Weights:
    """Train by the recipe, after saying how long that will take. Raises WeightsError where that cannot be."""
    learned_from = training_data(cell, policy)
    name, data = cell.method.name, policy.dataset or cell.split.spec.name
    if learned_from is None:
        raise WeightsError(
            f"No weights for {name} on {data}, and {data} has no train split here: train on another data set "
            f"(`fusionbench train --method {name} --dataset D`) and name the file with --weights."
        )
    if not policy.may_train:
        raise WeightsError(
            f"No weights for {name} on {data}: `fusionbench train --method {name} --dataset {data}` makes them."
        )
    from fusionbench.cells.training import train_reported

    return from_training(train_reported(cell, learned_from, policy, reporter))
