"""Sliding windows in torch, for GPUs and for CPUs without numba.

Windows are separable: shifted slices are weighted and added, of rows first and then of columns.
"""

from __future__ import annotations

import math
from functools import cache

from torch import Tensor

BAND = 2**17  # pixels of a band: bounds the memory of the float64 arrays that a formula makes of it


@cache
def gaussian_weights(size: int, sigma: float) -> tuple[float, ...]:
    """Return ``size`` weights exp(-d^2 / (2 sigma^2)) of a centred Gaussian window, with the sum 1."""
    weights = [math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma**2)) for i in range(size)]
    return tuple(weight / math.fsum(weights) for weight in weights)


def bands(x: Tensor, window: int, pixels: int = BAND) -> list[Tensor]:
    """Cut [B, H, W] into bands, overlapping views of adjacent rows, so that each window of rows is in exactly one band.

    A sum over all windows can then be computed band by band, in memory that does not grow with the image. A band has
    about ``pixels`` pixels on the CPU; on other devices there is a single band.
    """
    batch, height, width = x.shape
    places = height - window + 1
    rows = max(pixels // (batch * width), 2 * window) if x.device.type == "cpu" else places
    return [x[:, top : min(top + rows, places) + window - 1] for top in range(0, places, rows)]


def smooth(x: Tensor, weights: tuple[float, ...], step: int = 1) -> Tensor:
    """Return [B, H, W] filtered with the weights along rows and columns, at every ``step``-th place inside the image."""
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
