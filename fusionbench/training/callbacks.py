"""Lightning callbacks of a training: reproducible randomness, and an atomic checkpoint with progress per epoch."""

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
    """The complete epochs of a stage and the seconds that they took, over all calls."""

    epochs: int
    seconds: float


def read_progress(place: Path) -> Progress:
    """Return the progress of a stage; epochs are read from the checkpoint, which is written before progress.json.

    Raises WeightsError for a damaged checkpoint.
    """
    checkpoint, path = place / "last.ckpt", place / "progress.json"
    if not checkpoint.exists():
        return Progress(0, 0.0)
    try:
        epochs = int(torch.load(checkpoint, map_location="cpu", weights_only=True)["epoch"]) + 1
        seconds = float(json.loads(path.read_text(encoding="utf-8"))["seconds"]) if path.exists() else 0.0
    except Exception as error:  # of any kind, from a damaged file or one of another program
        raise WeightsError(
            f"The training in {place} cannot be resumed, {checkpoint.name} or {path.name} is damaged or from another program: "
            "delete the folder and train again."
        ) from error
    return Progress(epochs, seconds)


class ReseedEachStep(pl.Callback):
    """A callback that seeds torch before each step from seed, step and rank.

    Checkpoints do not contain the state of random generators, so without it dropout in a resumed training would draw
    other numbers than in an uninterrupted one.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        # primes keep seeds of different seeds, steps and ranks apart
        torch.manual_seed((self.seed * 1_000_003 + trainer.global_step) * 997 + trainer.global_rank)


class LastCheckpoint(pl.Callback):
    """A callback that keeps one checkpoint, of the last complete epoch, intact at any moment of a kill."""

    def __init__(self, place: Path, earlier: float) -> None:
        self.place, self.earlier = place, earlier
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # logs first: a resumed training repeats the epochs after the checkpoint, so those before it must be on disk
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
