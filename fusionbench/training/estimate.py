"""Say how long a training will take before it starts."""

from __future__ import annotations

import math
import time
from itertools import islice

import torch

from fusionbench.config import MethodConfig
from fusionbench.data.joined import TrainingData
from fusionbench.data.pairs import Split
from fusionbench.registry.methods import MethodSpec
from fusionbench.training.fit import FitOptions
from fusionbench.training.lightning import build_trainable
from fusionbench.training.loaders import build_loaders

TIMED_STEPS = 2
START_UP = 5  # how many times slower than the others a first step may be


def estimate_seconds(
    spec: MethodSpec,
    config: MethodConfig,
    data: Split | TrainingData,
    options: FitOptions,
    enough: float = math.inf,
) -> float:
    """Time a few steps of each stage on a throw-away copy and extrapolate to all of its batches.

    Stops early, with what it has found, once that is beyond ``enough`` seconds whatever the later steps take.
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
        for batch in islice(loader, TIMED_STEPS + 1):
            started = time.monotonic()
            moved = type(batch)(*(None if x is None else x.to(device) for x in batch))
            torch.stack(list(method.losses(moved).values())).sum().backward()
            seconds.append(time.monotonic() - started)
            if total + seconds[-1] * steps > START_UP * enough:
                return total + seconds[-1] * steps
        # the first step pays for start-up
        timed = seconds[1:] or seconds
        total += sum(timed) / len(timed) * steps
    return total


def in_words(seconds: float) -> str:
    minutes = seconds / 60
    if minutes > 48 * 60:
        return f"{minutes / 60 / 24:.0f} days"
    return f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} minutes"
