"""Say how long a training will take before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from itertools import islice

import torch

from fusionbench.config import MethodConfig
from fusionbench.data.joined import TrainingData
from fusionbench.data.pairs import Split
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.training.fit import FitOptions
from fusionbench.training.lightning import LightningMethod, build_trainable
from fusionbench.training.loaders import build_loaders
from fusionbench.types import PairBatch

TIMED_STEPS = 2
LONGEST = 30  # seconds that timing whole batches of a stage may take; beyond, one sample stands for its batch
START_UP = 5  # how many times slower than the others a first step may be


def estimate_seconds(
    spec: MethodSpec,
    config: MethodConfig,
    data: Split | TrainingData,
    options: FitOptions,
    enough: float = math.inf,
) -> float:
    """Time a few steps of each stage on a throw-away copy and extrapolate to all of its batches.

    A step on a single sample comes first: where whole batches would take more than `LONGEST` seconds, its time for
    each of their samples is the estimate, and no more memory is taken than one sample needs. Stops early, with what
    it has found, once that is beyond ``enough`` seconds whatever the later steps take.
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
        for batch in islice(loader, TIMED_STEPS + 1):
            seconds.append(_step_seconds(method, batch, device))
            if total + seconds[-1] * steps > START_UP * enough:
                return total + seconds[-1] * steps
        # the first step pays for start-up
        timed = seconds[1:] or seconds
        total += sum(timed) / len(timed) * steps
    return total


def _sample_seconds(method: LightningMethod, loader: Iterable[PairBatch], device: torch.device) -> float:
    """Return the seconds of a second step on the first sample of a batch; 0 where a loss needs more than one."""
    first = next(iter(loader))
    sample = _each(first, lambda x: x[:1])
    try:
        return min(_step_seconds(method, sample, device) for _ in range(2))
    except (RuntimeError, ValueError):  # a contrast between samples, say
        return 0.0


def _each(batch: PairBatch, change: Callable[[torch.Tensor], torch.Tensor]) -> PairBatch:
    """Return a batch with its tensors changed; a batch without label maps stays so."""
    changed = {name: change(x) for name, x in batch._asdict().items() if x is not None}
    return batch._replace(**changed)


def _step_seconds(method: LightningMethod, batch: PairBatch, device: torch.device) -> float:
    started = time.monotonic()
    moved = _each(batch, lambda x: x.to(device))
    torch.stack(list(method.losses(moved).values())).sum().backward()
    return time.monotonic() - started


def in_words(seconds: float) -> str:
    minutes = seconds / 60
    if minutes > 48 * 60:
        return f"{minutes / 60 / 24:.0f} days"
    return f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} minutes"
