"""Estimating the duration of a training before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from itertools import islice

import torch

from fusionbench.config import MethodConfig
from fusionbench.data.pairs import Split
from fusionbench.data.training_data import TrainingData
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.training.fit import FitOptions
from fusionbench.training.lightning import LightningMethod, build_trainable
from fusionbench.training.loaders import build_loaders
from fusionbench.types import PairBatch

TIMED_STEPS = 2
LONGEST = 30  # seconds that timing full batches of a stage may take; above that a single sample is timed
START_UP = 5  # factor by which a first step may be slower than the others


def estimate_seconds(
    spec: MethodSpec,
    config: MethodConfig,
    data: Split | TrainingData,
    options: FitOptions,
    enough: float = math.inf,
) -> float:
    """Return the expected seconds of a training, from a few timed steps of each stage with a temporary method.

    A step with a single sample comes first. If full batches would take more than `LONGEST` seconds, its time per sample
    is extrapolated, which also needs no more memory than one sample. Returns early with the estimate so far as soon as it
    certainly exceeds ``enough`` seconds.
    """
    device = torch.device(
        "cuda"
        if options.device == "auto" and torch.cuda.is_available()
        else options.device.replace("auto", "cpu")
    )
    data = TrainingData.of(data)
    method = build_trainable(spec, config.args).to(device).train()
    total = 0.0
    for stage in method.stages:
        recipe = config.stages[stage]
        method.begin(stage)
        loader, _ = build_loaders(data, recipe, method.batch_color or method.color, options.seed, 0)
        seconds: list[float] = []
        steps = len(loader) * recipe.epochs
        projected = _sample_seconds(method, loader, device) * recipe.batch_size
        if projected * (TIMED_STEPS + 1) > LONGEST:
            total += projected * steps
            if total > START_UP * enough:
                return total
            continue
        # one more than are timed, because the first is discarded below
        for batch in islice(loader, TIMED_STEPS + 1):
            seconds.append(_step_seconds(method, batch, device))
            if total + seconds[-1] * steps > START_UP * enough:
                return total + seconds[-1] * steps
        # the first step includes start-up, such as the choice of convolution algorithms
        timed = seconds[1:] or seconds
        total += sum(timed) / len(timed) * steps
    return total


def _sample_seconds(method: LightningMethod, loader: Iterable[PairBatch], device: torch.device) -> float:
    """Return the seconds of a step with one sample, the faster of two; 0 if a loss needs more than one sample."""
    first = next(iter(loader))
    sample = _each(first, lambda x: x[:1])
    try:
        return min(_step_seconds(method, sample, device) for _ in range(2))
    except (RuntimeError, ValueError):  # for example a contrastive loss between samples
        return 0.0


def _each(batch: PairBatch, change: Callable[[torch.Tensor], torch.Tensor]) -> PairBatch:
    """Return a batch with ``change`` applied to its tensors, except those that are None."""
    changed = {name: change(x) for name, x in batch._asdict().items() if x is not None}
    return batch._replace(**changed)


def _step_seconds(method: LightningMethod, batch: PairBatch, device: torch.device) -> float:
    started = time.monotonic()
    moved = _each(batch, lambda x: x.to(device))
    torch.stack(list(method.losses(moved).values())).sum().backward()
    return time.monotonic() - started


def in_words(seconds: float) -> str:
    """Return a duration in minutes, hours or days."""
    minutes = seconds / 60
    if minutes > 48 * 60:
        return f"{minutes / 60 / 24:.0f} days"
    return f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} minutes"
