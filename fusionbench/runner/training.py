"""Train within a run: announced before it starts, counted in steps while it goes on."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl

from fusionbench.data.pairs import Split
from fusionbench.runner.plan import PlannedCell
from fusionbench.runner.progress import Reporter
from fusionbench.runner.weights import WeightsPolicy
from fusionbench.training.estimate import announce
from fusionbench.training.fit import FitOptions, train


class _Steps(pl.Callback):
    """Report the batches of each stage."""

    def __init__(self, label: str, reporter: Reporter) -> None:
        self.label, self.reporter = label, reporter

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epochs = trainer.max_epochs - trainer.current_epoch
        self.reporter.start(self.label, int(epochs * trainer.num_training_batches))

    def on_train_batch_end(self, *_: object) -> None:
        self.reporter.advance()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.reporter.stop()


def train_reported(cell: PlannedCell, split: Split, policy: WeightsPolicy, reporter: Reporter) -> Path:
    """Return the file of the weights. While it trains, the cell's time-out stands still."""
    label = f"{split.spec.name} · {cell.method.name} · train"
    options = FitOptions(policy.seed, policy.device, quiet=True, callback=_Steps(label, reporter))
    reporter.pause()
    try:
        announce(cell.method, cell.config, split, FitOptions(policy.seed, policy.device), reporter.say)
        return train(cell.method, cell.config, split, policy.out, options).weights
    finally:
        reporter.go_on()
