"""Say how long a training will take before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice

import torch

from fusionbench.config import MethodConfig
from fusionbench.data.pairs import Split
from fusionbench.registry import MethodSpec
from fusionbench.training.fit import FitOptions
from fusionbench.training.loaders import build_loaders

TIMED_STEPS = 2


def estimate_seconds(spec: MethodSpec, config: MethodConfig, split: Split, options: FitOptions) -> float:
    """Time a few steps of each stage on a throw-away copy and extrapolate to all of its batches."""
    device = torch.device(
        "cuda"
        if options.device == "auto" and torch.cuda.is_available()
        else options.device.replace("auto", "cpu")
    )
    method = spec.build(config.args).to(device).train()
    total = 0.0
    for stage in method.stages:
        recipe = config.stages[stage]
        method.begin(stage)
        loader, _ = build_loaders(split, recipe, method.batch_color or method.color, options.seed, 0)
        seconds = []
        for batch in islice(loader, TIMED_STEPS + 1):
            started = time.monotonic()
            moved = type(batch)(*(None if x is None else x.to(device) for x in batch))
            sum(method.losses(moved).values()).backward()
            seconds.append(time.monotonic() - started)
        # the first step pays for start-up
        timed = seconds[1:] or seconds
        total += sum(timed) / len(timed) * len(loader) * recipe.epochs
    return total


def announce(
    spec: MethodSpec, config: MethodConfig, split: Split, options: FitOptions, say: Callable[[str], None]
) -> None:
    """Tell the user that a training starts, on what and how long it will take."""
    minutes = estimate_seconds(spec, config, split, options) / 60
    length = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} minutes"
    say(
        f"No weights for {spec.name} on {split.spec.title}: training now on {len(split.pairs)} pairs, about {length} "
        f"here. It can be stopped and goes on with the same command; --no-train refuses instead."
    )
