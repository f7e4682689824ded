"""``fusionbench train``: train the stages in order, each resumable, and write one safetensors file."""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from pytorch_lightning.callbacks import LearningRateMonitor, RichProgressBar
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from fusionbench.config import MethodConfig, StageRecipe
from fusionbench.data.pairs import Split
from fusionbench.data.training_data import TrainingData
from fusionbench.errors import ConfigError, RequestError
from fusionbench.provenance import provenance
from fusionbench.registry.method_spec import MethodSpec, check_family
from fusionbench.training.callbacks import LastCheckpoint, Progress, ReseedEachStep, read_progress
from fusionbench.training.curves import write_curves
from fusionbench.training.lightning import LightningMethod, build_trainable
from fusionbench.training.loaders import build_loaders
from fusionbench.training.training_folder import TrainingFolder, training_folder, training_identity
from fusionbench.training.training_set import EpochSampler
from fusionbench.weights.methods import load_weights, save_weights


@dataclass(frozen=True)
class FitOptions:
    """Options of a training besides the recipe; ``device`` is auto, cpu, cuda or cuda:i.

    ``callback`` replaces the progress bar; ``quiet`` removes it.
    """

    seed: int = 0
    device: str = "auto"
    quiet: bool = False
    callback: pl.Callback | None = None


def train(
    spec: MethodSpec, config: MethodConfig, data: Split | TrainingData, out: Path, options: FitOptions
) -> TrainingFolder:
    """Train a method on one or several splits, resuming an interrupted training, and return the folder of its weights.

    Returns at once if the same training is finished. Raises RequestError for a method with nothing to train, a data set
    of an unsupported family or too few pairs, and ConfigError for a stage without a recipe.
    """
    spec.require_class()
    data = TrainingData.of(data)
    check_family(spec, data.name, data.family)
    folder = training_folder(spec, config, data, options.seed, out)
    # processes of one distributed training (LOCAL_RANK) share its folder; two trainings must not
    lock = nullcontext() if "LOCAL_RANK" in os.environ else folder.lock()
    with lock:
        # asked under the lock, because another process may just have finished it
        if not folder.finished:
            _train(spec, config, data, folder, options)
    return folder


def _train(
    spec: MethodSpec, config: MethodConfig, data: TrainingData, folder: TrainingFolder, options: FitOptions
) -> None:
    for name in ("pytorch_lightning", "lightning_fabric", "lightning_utilities"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its messages on devices and its advertisements
    # before the method is built, whose first weights are random
    pl.seed_everything(options.seed, workers=True, verbose=False)
    if not spec.card.trainable:
        raise RequestError(
            f"Method '{spec.name}' is there for inference with its authors' weights: "
            f"`fusionbench run --method {spec.name}` fuses with them."
        )
    method = build_trainable(spec, config.args)
    if not method.trainable:
        raise RequestError(
            f"Method '{spec.name}' has no parameters: there is nothing to train, run it as it is."
        )
    for stage in method.stages:
        if stage not in config.stages:
            raise ConfigError(
                f"{spec.name} has no recipe for its stage '{stage}': add stages.{stage} to its config."
            )
    if len(data) < 2:
        raise RequestError(
            f"Training needs at least 2 pairs, {data.name} {data.parts[0].name} has {len(data)}."
        )
    if data.unused_labels:
        method.caveat(data.unused_labels)
    folder.path.mkdir(parents=True, exist_ok=True)
    seconds = {s: _fit_stage(method, s, config, data, folder, options) for s in method.stages}
    method.finish()
    write_curves(folder.path, list(seconds))
    about = _about(spec, config, data, seconds, options)
    about |= {"caveats": method.caveats, "auxiliaries": method.auxiliaries}
    save_weights(method, folder.weights, about)


def _fit_stage(
    method: LightningMethod,
    stage: str,
    config: MethodConfig,
    data: TrainingData,
    folder: TrainingFolder,
    options: FitOptions,
) -> float:
    """Train one stage and return its seconds, including those of interrupted calls."""
    place = folder.path / stage
    last = place / "last.ckpt"
    method.recipe = config.stages[stage]
    method.train()
    method.begin(stage)
    progress = read_progress(place)
    if progress.epochs == method.recipe.epochs:
        load_weights(method, last)
        return progress.seconds
    trainer = build_trainer(method, config, stage, place, progress, options)
    color = method.batch_color or method.color
    loaders = build_loaders(data, method.recipe, color, options.seed, config.trainer.workers)
    # set here, because Lightning starts the loader's processes before it tells the sampler the epoch to resume at
    sampler = loaders[0].sampler
    assert isinstance(sampler, EpochSampler)
    sampler.set_epoch(progress.epochs)
    resume = last if last.exists() else None
    try:
        trainer.fit(method, *loaders, ckpt_path=resume, weights_only=True if resume else None)
    except SystemExit:
        # Lightning turns Ctrl-C into exit(1), which would look like a failure instead of an interruption
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise
    return read_progress(place).seconds


def build_trainer(
    method: LightningMethod,
    config: MethodConfig,
    stage: str,
    place: Path,
    progress: Progress,
    options: FitOptions,
) -> pl.Trainer:
    """Return Lightning's Trainer for one stage, with logs as CSV and TensorBoard and a checkpoint per epoch."""
    recipe, hardware = config.stages[stage], config.trainer
    accelerator = "auto" if options.device == "auto" else options.device.partition(":")[0]
    index = options.device.partition(":")[2]
    callbacks: list[pl.Callback] = [
        LastCheckpoint(place, progress.seconds),
        ReseedEachStep(options.seed),
        LearningRateMonitor("epoch"),
    ]
    bar = options.callback is None and not options.quiet
    if options.callback is not None:
        callbacks.append(options.callback)
    if bar:
        callbacks.append(RichProgressBar(console_kwargs={"stderr": True}))
    return pl.Trainer(
        accelerator=accelerator,
        devices=[int(index)] if index else hardware.devices,
        strategy=hardware.strategy,
        precision=cast(Any, hardware.precision),  # checked with the recipe against config.PRECISIONS
        max_epochs=recipe.epochs,
        limit_val_batches=1.0 if recipe.validation else 0,
        # with manual optimization Lightning refuses to clip, and the method has to
        gradient_clip_val=(recipe.clip or None) if method.automatic_optimization else None,
        callbacks=callbacks,
        logger=[
            # a log for each call, named by its first epoch: Lightning would overwrite the log of an earlier call
            CSVLogger(place, name="", version=f"csv-{progress.epochs}"),
            TensorBoardLogger(place, name="", version=f"tensorboard-{progress.epochs}"),
        ],
        enable_progress_bar=bar,
        # `LastCheckpoint` writes the only checkpoint
        enable_checkpointing=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
    )


def _about(
    spec: MethodSpec, config: MethodConfig, data: TrainingData, seconds: dict[str, float], options: FitOptions
) -> dict[str, Any]:
    """Return the record of finished weights: data, recipe, duration, versions, hashes."""
    minutes = sum(seconds.values()) / 60
    epochs = " + ".join(str(config.stages[stage].epochs) for stage in seconds)
    unit = "epoch" if epochs == "1" else "epochs"
    return {
        "method": spec.name,
        "arguments": config.args,
        "family": data.family,
        "datasets": data.manifest(),
        "pairs_used": {stage: _pairs_used(data, config.stages[stage], options.seed) for stage in seconds},
        "identity": training_identity(spec, config, data, options.seed),
        "config": config.as_dict(),
        "seconds": seconds,
        "note": f"trained with {spec.name} on {data.in_words()}, {epochs} {unit}, {minutes:.0f} min",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "provenance": provenance(options.device, options.seed),
    }


def _pairs_used(data: TrainingData, recipe: StageRecipe, seed: int) -> dict[str, int]:
    """Return the numbers of pairs that a stage used for training and for validation."""
    training, validation = data.divided(recipe.validation, seed)
    return {"training": len(training), "validation": len(validation)}
