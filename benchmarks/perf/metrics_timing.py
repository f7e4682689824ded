"""Measurements for metrics.py: CPU seconds of calls that take turns, growth with pixels, triples per second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import metrics_plain
import metrics_plain_fmi
import metrics_plain_windows
import numpy as np
import torch

from fusionbench.data.demo.canvas import fractal, to_uint8
from fusionbench.metrics import DEFAULT, compute, score, score_fused, sources

PLAIN = {**metrics_plain.PLAIN, **metrics_plain_windows.PLAIN, **metrics_plain_fmi.PLAIN}
_VIF = partial(metrics_plain.vif, window=metrics_plain.separable)
_SSIM = partial(metrics_plain.ssim, window=metrics_plain.separable)
VARIANTS = {  # how the plain set filters, which decides its cost
    "plain, full 2-D windows": PLAIN,
    "plain, full for VIF only": {**PLAIN, "SSIM": _SSIM},
    "plain, separable windows": {**PLAIN, "VIF": _VIF, "SSIM": _SSIM},
}
ENOUGH = 0.5  # CPU seconds before which quick calls are repeated beyond what is asked
PATIENCE = 20.0  # CPU seconds after which slow calls are repeated no further
FEWEST = 3  # but this often they are made
BATCH = 16

Images = tuple[np.ndarray, np.ndarray, np.ndarray]
Plain = dict[str, Callable[..., float]]
Size = tuple[int, int]


class Costs(NamedTuple):
    """Median CPU seconds of each call, how often it was made, and what it returned."""

    seconds: dict[str, float]
    repeats: int
    results: dict[str, dict[str, float]]


def triple(size: Size) -> Images:
    """Generate textured sources of (width, height) and their average."""
    random, shape = np.random.default_rng(0), size[::-1]
    a, b = (to_uint8(0.5 + 0.2 * fractal(random, shape, coarsest)) for coarsest in (24, 16))
    return a, b, ((a.astype(int) + b + 1) // 2).astype(np.uint8)


def costs(
    images: Images, names: Iterable[str], plain: dict[str, Plain], repeats: int, patience: float = PATIENCE
) -> Costs:
    """Measure metrics scored cold, with the sources' statistics kept, and by each of the plain collections."""
    names = list(names)
    pair = sources(*images[:2])
    score_fused(pair, images[2], names)
    calls = {
        "cold": lambda: _values(score(*images, names)),
        "kept": lambda: _values(score_fused(pair, images[2], names)),
    }
    for title, functions in plain.items():
        calls[title] = lambda functions=functions: {name: functions[name](*images) for name in names}
    return in_turns(calls, repeats, patience)


def in_turns(calls: dict[str, Callable[[], dict[str, float]]], repeats: int, patience: float) -> Costs:
    """Make all calls one after the other, again and again: what slows the machine then slows all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    results, done, spent = {}, 0, 0.0
    while (done < repeats or spent < ENOUGH) and (done < FEWEST or spent < patience):
        for name, call in calls.items():
            started = time.process_time()
            results[name] = call()
            seconds[name].append(time.process_time() - started)
            spent += seconds[name][-1]
        done += 1
    return Costs({name: statistics.median(times) for name, times in seconds.items()}, done, results)


def _values(scores: dict) -> dict[str, float]:
    return {name: score.value for name, score in scores.items()}


def difference(results: dict[str, dict[str, float]]) -> float:
    """Return the largest relative difference of any plain value to fusionbench's."""
    ours = results["kept"]
    return max(abs(values[name] / ours[name] - 1) for values in results.values() for name in ours)


def growth(size: Size, repeats: int) -> dict[str, dict[str, float]]:
    """Measure the default set at half, once and twice a size: seconds by size, and the exponent of the pixels."""
    sizes = [(size[0] // 2, size[1] // 2), size, (2 * size[0], 2 * size[1])]
    measured = [costs(triple(scaled), DEFAULT, {}, repeats).seconds for scaled in sizes]
    pixels = np.log([width * height for width, height in sizes])
    return {
        mode: {f"{width}x{height}": cost[mode] for (width, height), cost in zip(sizes, measured, strict=True)}
        | {"exponent": float(np.polyfit(pixels, np.log([cost[mode] for cost in measured]), 1)[0])}
        for mode in ("cold", "kept")
    }


def triples_per_second(size: Size, device: str, repeats: int) -> float:
    """Measure the default set on batches that lie on a device, by the median wall time of a batch."""
    batches = [
        torch.from_numpy(np.stack([np.roll(image, 7 * shift, axis=1) for shift in range(BATCH)]))[:, None].to(
            device
        )
        for image in triple(size)
    ]
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        scores = [values.tolist() for values in compute(*batches).values()]  # waits for the device
        seconds.append(time.perf_counter() - started)
    if not np.isfinite(scores).all():
        raise ArithmeticError(f"metrics of the generated images are undefined on {device}")
    return BATCH / statistics.median(seconds[1:])  # the first loads the kernels
