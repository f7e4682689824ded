"""Wall-clock times of one ``fuse`` at batch 1, and of building a method with its weights."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from fusionbench.method import FusionMethod
from fusionbench.method.arithmetic import full_float32
from fusionbench.profiling.counts import example


class Budget(NamedTuple):
    """Numbers of ``warm_ups`` and timed ``runs``; each part ends after ``seconds``, but not before three runs."""

    warm_ups: int = 50
    runs: int = 1000
    seconds: float = 2.0


@torch.inference_mode()
def latency(method: FusionMethod, height: int, width: int, budget: Budget) -> dict[str, float]:
    """Return median, quartiles and extremes of the time of ``fuse`` at batch 1 in ms, and the numbers of calls.

    Reading, color conversion, padding and saving are not included; CUDA is synchronized within the timed region.
    """
    pair = example(method.eval(), height, width)
    warm_ups = _repeat(lambda: _once(method, pair), 1, budget.warm_ups, budget.seconds)
    times = _repeat(lambda: _once(method, pair), 3, budget.runs, budget.seconds)
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "median": median, "lower_quartile": low, "upper_quartile": high, "fastest": min(times),
        "slowest": max(times), "warm_ups": len(warm_ups), "runs": len(times),
    }  # fmt: skip


def _once(method: FusionMethod, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    with full_float32():
        method.fuse(*pair)
    synchronize(method.device)


def load_time(build: Callable[[], Any], device: torch.device, repeats: int = 3) -> float:
    """Return the median time in ms to call ``build`` on a device; a first call, not timed, fills the file cache."""
    build()

    def load() -> None:
        build()
        synchronize(device)

    return statistics.median(_repeat(load, repeats, repeats, 0.0))


def synchronize(device: torch.device) -> None:
    """Wait for the end of all work on a CUDA device; other devices work synchronously."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _repeat(work: Callable[[], None], least: int, most: int, seconds: float) -> list[float]:
    """Return the ms of each call of ``work``: for ``seconds``, but between ``least`` and ``most`` calls."""
    times: list[float] = []
    started = time.monotonic()
    while len(times) < least or (len(times) < most and time.monotonic() - started < seconds):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1e3)
    return times
