"""Windows that slide over images, in torch: for GPUs, and where numba is not installed.

Smoothing sums shifted slices, of rows and then of columns.
"""

from __future__ import annotations

import math
from functools import cache

from torch import Tensor

BAND = 2**17  # pixels of a band, which bounds the memory that a few float64 arrays of it take


@cache
def gaussian(size: int, sigma: float) -> tuple[float, ...]:
    """Return the ``size`` weights of a Gaussian window around its middle, of sum 1."""
    weights = [math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma**2)) for i in range(size)]
    return tuple(weight / math.fsum(weights) for weight in weights)


def bands(x: Tensor, window: int, pixels: int = BAND) -> list[Tensor]:
    """Cut [B, H, W] into views of adjacent rows such that each window of so many rows lies in one of them.

    What is a sum over windows can then be computed band by band, in memory that does not grow with the image.
    On other devices than a CPU there is one band; ``pixels`` is its size on a CPU.
    """
    batch, height, width = x.shape
    places = height - window + 1
    rows = max(pixels // (batch * width), 2 * window) if x.device.type == "cpu" else places
    return [x[:, top : min(top + rows, places) + window - 1] for top in range(0, places, rows)]


def smooth(x: Tensor, weights: tuple[float, ...], step: int = 1) -> Tensor:
    """Weight rows and columns of [B, H, W] alike, at every ``step``-th place where the window lies inside."""
    return _slide(_slide(x, weights, step, -2), weights, step, -1)


def _slide(x: Tensor, weights: tuple[float, ...], step: int, dim: int) -> Tensor:
    places = range(0, x.shape[dim] - len(weights) + 1, step)
    result = _shifted(x, dim, 0, places) * weights[0]
    for shift, weight in enumerate(weights[1:], start=1):
        result.add_(_shifted(x, dim, shift, places), alpha=weight)
    return result


def _shifted(x: Tensor, dim: int, shift: int, places: range) -> Tensor:
    along = slice(shift, shift + places.stop, places.step)
    return x[:, along] if dim == -2 else x[..., along]
