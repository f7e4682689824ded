"""Images whose derived quantities are computed once and shared by all metrics that need them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from fusionbench.metrics import compiled

LEVELS = 256


class Image:
    """A batch of images, uint8 [B, H, W] ([B, 3, H, W] for metrics on colors), that remembers every statistic of it.

    A statistic is a function of an image (and of further arguments: numbers or another image). What it
    returns is shared, so it must not be changed in place.
    """

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels.contiguous()  # the last digits depend on the layout
        self._known: dict[tuple[Hashable, ...], Any] = {}
        # other images are held weakly: two that knew each other would keep both until Python's collector comes
        self._shared: WeakKeyDictionary[Image, dict[tuple[Hashable, ...], Any]] = WeakKeyDictionary()

    def of(self, statistic: Callable[..., Any], *arguments: Hashable) -> Any:
        """Return ``statistic(self, *arguments)``, computed at the first call only."""
        known, key = self._known, (statistic, *arguments)
        if arguments and isinstance(arguments[0], Image):
            known, key = self._shared.setdefault(arguments[0], {}), (statistic, *arguments[1:])
        if key not in known:
            known[key] = statistic(self, *arguments)
        return known[key]

    @property
    def height(self) -> int:
        return self.levels.shape[-2]

    @property
    def width(self) -> int:
        return self.levels.shape[-1]

    @property
    def count(self) -> int:
        return self.height * self.width


class Triple(NamedTuple):
    """What a metric is a function of: both sources and the fused image, of one size, on one device.

    Statistics of two images are asked of the one that is kept shorter: ``fused.of(dot, a)``.
    """

    a: Image
    b: Image
    fused: Image


class Outcome(NamedTuple):
    """What a metric returns: float64 [B], and where and why it is undefined, as masks [B] with a reason each.

    The first reason that applies to an image is the one reported.
    """

    values: Tensor
    undefined: tuple[tuple[Tensor, str], ...] = ()


def values(image: Image) -> Tensor:
    """Return the levels in float64 [B, H, W]."""
    return image.levels.double()


def histogram(image: Image) -> Tensor:
    """Return the number of pixels at each level, float64 [B, 256]."""
    if compiled.usable(image.levels):
        from fusionbench.metrics.compiled import images

        return images.histogram(image)
    return _count(image.levels.int(), LEVELS)


def joint_histogram(image: Image, other: Image) -> Tensor:
    """Return the number of pixels at each pair of levels, float64 [B, 256 * 256]."""
    if compiled.usable(image.levels):
        from fusionbench.metrics.compiled import images

        return images.joint_histogram(image, other)
    return _count(other.levels.int().mul_(LEVELS).add_(image.levels), LEVELS * LEVELS)


def _count(codes: Tensor, bins: int) -> Tensor:
    batch = len(codes)
    offsets = torch.arange(batch, dtype=torch.int32, device=codes.device).mul_(bins)
    codes = codes.flatten(1).add_(offsets[:, None]).flatten()
    return torch.bincount(codes, minlength=batch * bins).view(batch, bins).double()


def total(image: Image) -> Tensor:
    """Return the sum of the levels [B], exact."""
    counts = image.of(histogram)
    return counts @ _levels(counts)


def dot(image: Image, other: Image) -> Tensor:
    """Return the sum of the products of the levels [B]. Sums of integers below 2**53: exact in any order."""
    if other is image:
        counts = image.of(histogram)
        return counts @ _levels(counts) ** 2
    if compiled.usable(image.levels):
        counts = image.of(joint_histogram, other)
        levels = _levels(counts)
        return counts @ (levels[:, None] * levels).flatten()
    x, y = image.of(values).flatten(1), other.of(values).flatten(1)
    return torch.bmm(x[:, None, :], y[:, :, None]).flatten()


def _levels(counts: Tensor) -> Tensor:
    return torch.arange(LEVELS, dtype=counts.dtype, device=counts.device)


def comoment(count: int, x: Tensor, y: Tensor, xy: Tensor) -> Tensor:
    """Return sum((x - mean x)(y - mean y)) of integer data from the sums of x, of y and of their products.

    Both means are first brought below 1/2 by integer shifts, which is exact: otherwise the difference of two
    large sums would lose the small moments of images that are nearly constant.
    """
    shift_x, shift_y = (x / count).round(), (y / count).round()
    shifted = xy - shift_x * y - shift_y * x + count * shift_x * shift_y
    return shifted - (x - count * shift_x) * (y - count * shift_y) / count


def variance(image: Image) -> Tensor:
    """Return the population variance of the levels [B]; exactly 0 for a constant image and for no other."""
    level_sum = image.of(total)
    return comoment(image.count, level_sum, level_sum, image.of(dot, image)) / image.count


def constant(image: Image) -> Tensor:
    """Return which images have one level only, bool [B]."""
    return image.of(variance) == 0


def exact_root(x: Tensor) -> Tensor:
    """Return the square root rounded as IEEE 754 asks; torch's own misses the last digit on a CPU now and then.

    Where rounding decides which of two numbers is larger, only this one repeats what other programs find.
    """
    return torch.from_numpy(np.sqrt(x.numpy())) if x.device.type == "cpu" else x.sqrt()


def sum_image(x: Tensor) -> Tensor:
    """Sum [B, H, W] over the pixels to [B], row by row: one long sum would be split among the threads."""
    return x.sum(-1).sum(-1)
