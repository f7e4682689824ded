"""The choice of a cell's weights: ``auto``, ``trained``, ``latest``, ``random`` or a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.cells.planned import PlannedCell, RunOptions
from fusionbench.cells.progress import Reporter
from fusionbench.cells.trainings.finished import finished_trainings, training_hint
from fusionbench.data.pairs import find_split
from fusionbench.data.training_data import TrainingData, find_training_data
from fusionbench.errors import DataNotFoundError, UnknownNameError, WeightsError
from fusionbench.files import folder_name
from fusionbench.training.training_folder import training_folder
from fusionbench.weights.methods import Weights, file_hash, joint_hash
from fusionbench.weights.published import available_weights, lacking_sentence, load_chosen

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod


def prepare_weights(
    cell: PlannedCell,
    method: FusionMethod,
    options: RunOptions,
    reporter: Reporter,
    chosen: Weights | None = None,
) -> Weights:
    """Load a cell's weights into its method and return them with their origin.

    They are ``chosen`` if given, else those that `choose_weights` finds, else those of a training made now. Raises WeightsError
    if there are none (the message names the command that makes them) or if the file changed since it was chosen.
    """
    if not method.trainable:
        return Weights("none", note="no parameters")
    weights = chosen or choose_weights(cell, options) or train_now(cell, options, reporter)
    if weights.terms:
        reporter.say(f"{cell.method.name}: {weights.terms}")
    load_chosen(cell.method, method, weights)
    # hashed after loading: a file replaced at any moment between the choice and here is noticed
    if weights.path is not None and joint_hash(weights.files or (weights.path,)) != weights.sha256:
        raise WeightsError(f"Weights {weights.path} were replaced since the run was planned: run again.")
    return weights


def choose_weights(cell: PlannedCell, options: RunOptions) -> Weights | None:
    """Return the weights that ``options.weights`` asks for, None if there are none yet.

    The order of ``auto`` is: own training on the data set, imported, published, shipped weights. Does not load torch.
    Raises WeightsError for a file that does not exist or differs from what its JSON says.
    """
    if options.weights == "random":
        return Weights("random", None, f"random-{options.seed}", "RANDOM weights, never trained")
    if options.weights == "latest":
        return latest_weights(cell, options)
    if options.weights not in ("auto", "trained"):
        path = Path(options.weights).expanduser()
        if not path.is_file():
            raise WeightsError(
                f"Weights file '{path}' does not exist: give --weights auto, trained, latest, random or a file."
            )
        return Weights("file", path, file_hash(path), f"weights from {path.name}")
    own = trained_weights(cell, options)
    if own is not None or options.weights == "trained" or options.train_dataset is not None:
        return own
    wanted = cell.method, cell.split.spec.family, cell.config.args
    return available_weights(*wanted)


def trained_weights(cell: PlannedCell, options: RunOptions) -> Weights | None:
    """Return the weights of a finished training with the same configuration and training data, None without one."""
    method = folder_name(cell.method.name)
    # folders are looked for first: finding the training data can generate it, and its identity hashes all of its files
    if not any((folder / method).is_dir() for folder in (options.out / "training").glob("*")):
        return None
    data = training_data(cell, options)
    if data is None or not (options.out / "training" / folder_name(data.name) / method).is_dir():
        return None
    folder = training_folder(cell.method, cell.config, data, options.seed, options.out)
    return from_training(folder.weights) if folder.finished else None


def latest_weights(cell: PlannedCell, options: RunOptions) -> Weights:
    """Return the weights of the last finished training with these arguments. Raises WeightsError if there is none."""
    data = training_data(cell, options)
    trainings = finished_trainings(cell, data, options.out) if data is not None else []
    if not trainings:
        raise WeightsError(
            f"No finished training of {cell.method.name} with these arguments is in {options.out / 'training'}: "
            f"`{train_command(cell, options)}` makes one."
        )
    return from_training(trainings[-1].weights)


def train_command(cell: PlannedCell, options: RunOptions) -> str:
    """Return the command line that trains a cell's method on the data it learns from."""
    data = options.train_dataset or cell.split.spec.name
    return f"fusionbench train --method {cell.method.reference} --dataset {data}"


def from_training(path: Path) -> Weights:
    """Return the weights in a file written by a training. Raises WeightsError if they differ from what it wrote."""
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


def training_data(cell: PlannedCell, options: RunOptions) -> TrainingData | None:
    """Return the data to learn from, None if a data set has no train split or it is not on this machine."""
    try:
        if options.train_dataset:
            return find_training_data(options.train_dataset, "train", options.data_root)
        spec = cell.split.spec
        return TrainingData((find_split(spec, spec.splits[cell.split.name].learned_on, options.data_root),))
    except (DataNotFoundError, UnknownNameError):
        return None


def untrainable(cell: PlannedCell, options: RunOptions, data: TrainingData | None) -> str | None:
    """Return why a method without weights cannot be trained within the run, and the remedy; None if it can."""
    if not cell.method.card.trainable:
        return lacking_sentence(cell.method, cell.split.spec.family, cell.config.args)
    name, asked = cell.method.name, options.train_dataset or cell.split.spec.name
    if data is None:
        return (
            f"No weights for {name} on {asked}, and {asked} has no train split here: learn from another data set, "
            f"`--train-dataset D`, or name a file with --weights."
        )
    if options.no_train:
        other = training_hint(cell, data, options.out)
        return (
            f"No weights for {name} on {asked}: `{train_command(cell, options)}` makes them. {other}".strip()
        )
    return None


def train_now(cell: PlannedCell, options: RunOptions, reporter: Reporter) -> Weights:
    """Train by the method's recipe, after telling the user how long it will take, and return the weights.

    Raises WeightsError if training is impossible or not allowed.
    """
    learned_from = training_data(cell, options)
    if (why := untrainable(cell, options, learned_from)) is not None:
        raise WeightsError(why)
    assert learned_from is not None
    from fusionbench.cells.trainings.train import train_reported

    return from_training(train_reported(cell, learned_from, options, reporter))
