"""What happens between epochs: an atomic checkpoint and a note of how far the training is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import pytorch_lightning as pl

from fusionbench.files import write_json


class Progress(NamedTuple):
    """Complete epochs of a stage and the seconds they took, over all calls."""

    epochs: int
    seconds: float


def read_progress(place: Path) -> Progress:
    path = place / "progress.json"
    return Progress(**json.loads(path.read_text())) if path.exists() else Progress(0, 0.0)


class LastCheckpoint(pl.Callback):
    """Keep one checkpoint, of the last complete epoch, that a kill at any moment leaves whole."""

    def __init__(self, place: Path, earlier: float) -> None:
        self.place, self.earlier = place, earlier
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        partial = self.place / "last.ckpt.partial"
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            os.replace(partial, self.place / "last.ckpt")
            seconds = round(self.earlier + time.monotonic() - self.started, 1)
            write_json(
                self.place / "progress.json", {"epochs": trainer.current_epoch + 1, "seconds": seconds}
            )
