"""Training of a network by its recipe with Lightning; a training that was stopped is resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file

from fusionbench.cells.progress import Reporter
from fusionbench.downstream.modules import Detector, Segmenter, TaskModule
from fusionbench.downstream.samples import Source
from fusionbench.downstream.units import Unit
from fusionbench.files import write_json, write_through
from fusionbench.provenance import provenance
from fusionbench.training.callbacks import LastCheckpoint, ReseedEachStep, read_progress

WEIGHTS, ABOUT = "network.safetensors", "network.json"


class EpochProgress(pl.Callback):
    """A callback that shows the progress of each epoch and logs its mean loss to ``losses.jsonl``."""

    def __init__(self, label: str, images: int, epochs: int, reporter: Reporter) -> None:
        self.label, self.images, self.epochs, self.reporter = label, images, epochs, reporter
        self.losses: list[float] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.reporter.start(
            f"{self.label} · train, epoch {trainer.current_epoch + 1} of {self.epochs}", self.images
        )
        self.losses.clear()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.losses.append(float(outputs["loss"]))
        for _ in range(len(batch[0])):
            self.reporter.advance()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.reporter.stop()
        log = Path(trainer.default_root_dir) / "losses.jsonl"
        mean = sum(self.losses) / max(1, len(self.losses))
        with log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"epoch": trainer.current_epoch, "loss": mean}, allow_nan=False) + "\n")


def trained_network(unit: Unit, reporter: Reporter) -> TaskModule:
    """Return the unit's network in eval mode on its device; it is trained if it is not stored yet.

    Units that share a network wait for the one that trains it. Raises the errors of building and training.
    """
    place = unit.network_place
    place.mkdir(parents=True, exist_ok=True)
    source = Source(unit.division.train, unit.division.spec, unit.train)
    pl.seed_everything(unit.seed, workers=True, verbose=False)
    module = (Segmenter if unit.network.task == "segment" else Detector)(unit.network, source, unit.seed)
    with FileLock(place / ".lock"):
        if not (place / ABOUT).is_file():
            _train(module, unit, place, reporter)
    module.network.load_state_dict(load_file(place / WEIGHTS))
    return module.eval().to(unit.device)


def _train(module: TaskModule, unit: Unit, place: Path, reporter: Reporter) -> None:
    progress = read_progress(place)
    last = place / "last.ckpt"
    callbacks = [
        LastCheckpoint(place, progress.seconds),
        ReseedEachStep(unit.seed),
        EpochProgress(unit.label, len(unit.train), unit.network.recipe.epochs, reporter),
    ]
    trainer = _trainer(unit, place, callbacks)
    trainer.fit(
        module, ckpt_path=last if last.exists() else None, weights_only=True if last.exists() else None
    )
    if trainer.interrupted:
        raise KeyboardInterrupt
    state = {name: tensor.contiguous() for name, tensor in module.network.cpu().state_dict().items()}
    write_through(place / WEIGHTS, lambda partial: save_file(state, partial))
    about = {
        "identity": unit.training,
        "title": unit.network.title,
        "seconds": read_progress(place).seconds,
        "provenance": provenance(unit.device, unit.seed),
    }
    # after the weights: a network with this file is complete
    write_json(place / ABOUT, about)
    last.unlink(missing_ok=True)


def _trainer(unit: Unit, place: Path, callbacks: list[pl.Callback]) -> pl.Trainer:
    index = unit.device.partition(":")[2]
    # batches may have another size after the frozen epochs, so that a new loader is needed
    return pl.Trainer(
        accelerator=unit.device.partition(":")[0],
        devices=[int(index)] if index else 1,
        max_epochs=unit.network.recipe.epochs,
        reload_dataloaders_every_n_epochs=1 if unit.network.frozen_epochs else 0,
        callbacks=callbacks,
        default_root_dir=place,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        deterministic="warn" if torch.cuda.is_available() and unit.device != "cpu" else True,
    )
