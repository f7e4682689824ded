"""What happens between epochs: an atomic checkpoint and a note of how far the training is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import pytorch_lightning as pl
import torch

from fusionbench.errors import WeightsError
from fusionbench.files import write_json


class Progress(NamedTuple):
    """Complete epochs of a stage and the seconds they took, over all calls."""

    epochs: int
    seconds: float


def read_progress(place: Path) -> Progress:
    """Read the epochs from the checkpoint itself: a kill may have come before progress.json was written."""
    checkpoint, path = place / "last.ckpt", place / "progress.json"
    if not checkpoint.exists():
        return Progress(0, 0.0)
    try:
        epochs = int(torch.load(checkpoint, map_location="cpu", weights_only=True)["epoch"]) + 1
        seconds = float(json.loads(path.read_text(encoding="utf-8"))["seconds"]) if path.exists() else 0.0
    except Exception as error:  # a file that is torn or another program's can be wrong in any way
        raise WeightsError(
            f"The training in {place} cannot go on, {checkpoint.name} or {path.name} is damaged or another program's: "
            "delete the folder and train again."
        ) from error
    return Progress(epochs, seconds)


class ReseedEachStep(pl.Callback):
    """Make what is random inside a network (dropout) depend on seed and step alone, as crops do on the epoch.

    A checkpoint holds no generator's state, so a resumed training would draw other numbers otherwise.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        torch.manual_seed((self.seed * 1_000_003 + trainer.global_step) * 997 + trainer.global_rank)


class LastCheckpoint(pl.Callback):
    """Keep one checkpoint, of the last complete epoch, that a kill at any moment leaves whole."""

    def __init__(self, place: Path, earlier: float) -> None:
        self.place, self.earlier = place, earlier
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for logger in trainer.loggers:
            logger.save()
        partial = self.place / "last.ckpt.partial"
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            os.replace(partial, self.place / "last.ckpt")
            seconds = round(self.earlier + time.monotonic() - self.started, 1)
            write_json(
                self.place / "progress.json", {"epochs": trainer.current_epoch + 1, "seconds": seconds}
            )
