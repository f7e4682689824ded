"""Training within a run, announced with its expected duration and reported step by step."""

from __future__ import annotations

import math
from pathlib import Path

import pytorch_lightning as pl

from fusionbench.cells.planned import PlannedCell, RunOptions
from fusionbench.cells.progress import Reporter
from fusionbench.cells.trainings.finished import training_hint
from fusionbench.cells.weights import train_command
from fusionbench.data.training_data import TrainingData
from fusionbench.errors import WeightsError
from fusionbench.training.estimate import estimate_seconds, in_words
from fusionbench.training.fit import FitOptions, train


class _Steps(pl.Callback):
    """A Lightning callback that reports the batches of each stage."""

    def __init__(self, label: str, reporter: Reporter) -> None:
        self.label, self.reporter = label, reporter

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epochs = (trainer.max_epochs or 0) - trainer.current_epoch
        self.reporter.start(self.label, int(epochs * trainer.num_training_batches))

    def on_train_batch_end(self, *_: object) -> None:
        self.reporter.advance()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.reporter.stop()


def train_reported(cell: PlannedCell, data: TrainingData, options: RunOptions, reporter: Reporter) -> Path:
    """Train and return the file of the weights. The cell's time-out is suspended meanwhile.

    Raises WeightsError if the training would take longer than ``options.train_within`` minutes.
    """
    label = f"{data.name} · {cell.name} · train"
    fit = FitOptions(options.seed, options.device, quiet=True, callback=_Steps(label, reporter))
    reporter.pause()
    try:
        reporter.say(f"No weights for {cell.name}: timing a few steps of its training on {data.in_words()}.")
        reporter.say(_announcement(cell, data, options))
        return train(cell.method, cell.config, data, options.out, fit).weights
    finally:
        reporter.go_on()


def _announcement(cell: PlannedCell, data: TrainingData, options: RunOptions) -> str:
    """Return the sentence that says how long the training will take, estimated by timing a few steps."""
    enough = math.inf if options.train_within is None else options.train_within * 60
    fit = FitOptions(options.seed, options.device)
    seconds = estimate_seconds(cell.method, cell.config, data, fit, enough)
    name, asked = cell.method.name, options.train_dataset or data.name
    other = training_hint(cell, data, options.out)
    if seconds > enough:
        raise WeightsError(
            f"No weights for {name} on {asked}, and training takes about {in_words(seconds)} here, more than "
            f"--train-within {options.train_within:g}: `{train_command(cell, options)}` makes them. {other}".strip()
        )
    return (
        f"No weights for {name}: training now on {data.in_words()}, about "
        f"{in_words(seconds)} here. It can be stopped and resumed with the same command; --no-train refuses instead. {other}".strip()
    )
