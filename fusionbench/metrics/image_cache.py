"""Images that cache the quantities derived from them, so that all metrics share them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from fusionbench.metrics import compiled

# of an 8-bit image: histograms have one bin for each, so that no choice of bins changes a value
LEVELS = 256


class Image:
    """A batch of images, uint8 [B, H, W] ([B, 3, H, W] for metrics on colours), that caches its statistics.

    A statistic is a function of an image and possibly of numbers or another image. Its result is shared by all callers,
    so it must not be modified in place.
    """

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels.contiguous()  # the last digits of sums depend on the memory layout
        self._known: dict[tuple[Hashable, ...], Any] = {}
        # other images are weak keys: two images that refer to each other would stay in memory until a garbage collection
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
    """The input of a metric: both sources and the fused image, of one size and on one device.

    A statistic of two images is asked of the one that lives shorter, ``fused.of(dot, a)``, so that it is freed with it.
    """

    a: Image
    b: Image
    fused: Image


class Outcome(NamedTuple):
    """The output of a metric: values, float64 [B], and masks, bool [B], of undefined values with a reason each.

    Of several reasons for one image the first is reported.
    """

    values: Tensor
    undefined: tuple[tuple[Tensor, str], ...] = ()


def values(image: Image) -> Tensor:
    """Return the levels 0..255 as float64 [B, H, W]."""
    return image.levels.double()


def histogram(image: Image) -> Tensor:
    """Return the number of pixels of each level, float64 [B, 256]; one bin per level, as images are 8-bit."""
    if compiled.loaded(image.levels):
        from fusionbench.metrics.compiled import levels

        return torch.from_numpy(np.stack([*map(levels.histogram, image.levels.numpy())])).double()
    return _count(image.levels.int(), LEVELS)


def joint_histogram(image: Image, other: Image) -> Tensor:
    """Return the number of pixels of each pair of levels, float64 [B, 256 * 256].

    The pair (i of ``other``, j of ``image``) is at index 256 i + j.
    """
    if compiled.loaded(image.levels):
        from fusionbench.metrics.compiled import levels

        counts = [*map(levels.joint_histogram, image.levels.numpy(), other.levels.numpy())]
        return torch.from_numpy(np.stack(counts)).flatten(1).double()
    return _count(other.levels.int().mul_(LEVELS).add_(image.levels), LEVELS * LEVELS)


def _count(codes: Tensor, bins: int) -> Tensor:
    batch = len(codes)
    # bincount takes one list: shifting each image's codes into bins of its own counts the whole batch in one call
    offsets = torch.arange(batch, dtype=torch.int32, device=codes.device).mul_(bins)
    codes = codes.flatten(1).add_(offsets[:, None]).flatten()
    return torch.bincount(codes, minlength=batch * bins).view(batch, bins).double()


def total(image: Image) -> Tensor:
    """Return the sum of the levels, float64 [B], exact: from the histogram, whose products are integers below 2**53."""
    counts = image.of(histogram)
    return counts @ _levels(counts)


def dot(image: Image, other: Image) -> Tensor:
    """Return the sum over pixels of the products of two images' levels, float64 [B].

    All partial sums are integers below 2**53, so the result is exact and does not depend on the order of summation.
    """
    if other is image:
        counts = image.of(histogram)
        return counts @ _levels(counts) ** 2
    if compiled.loaded(image.levels):
        from fusionbench.metrics.compiled import levels

        sums = [*map(levels.dot, image.levels.numpy(), other.levels.numpy())]
        return torch.tensor(sums, dtype=torch.float64)
    x, y = image.of(values).flatten(1), other.of(values).flatten(1)
    return torch.bmm(x[:, None, :], y[:, :, None]).flatten()


def _levels(counts: Tensor) -> Tensor:
    return torch.arange(LEVELS, dtype=counts.dtype, device=counts.device)


def comoment(count: int, x: Tensor, y: Tensor, xy: Tensor) -> Tensor:
    """Return sum((x - mean(x)) (y - mean(y))) of integer data from the sums of x, of y and of their products, [B].

    The textbook form sum(xy) - sum(x) sum(y) / n subtracts two large numbers and loses the small moments of nearly
    constant images. Both variables are therefore first shifted by the integers nearest to their means, which is exact
    and leaves means below 1/2 in absolute value.
    """
    shift_x, shift_y = (x / count).round(), (y / count).round()
    shifted = xy - shift_x * y - shift_y * x + count * shift_x * shift_y
    return shifted - (x - count * shift_x) * (y - count * shift_y) / count


def variance(image: Image) -> Tensor:
    """Return the population variance of the levels, float64 [B]; exactly 0 for constant images and for no others."""
    level_sum = image.of(total)
    return comoment(image.count, level_sum, level_sum, image.of(dot, image)) / image.count


def constant(image: Image) -> Tensor:
    """Return which images have a single level, bool [B]."""
    return image.of(variance) == 0


def exact_root(x: Tensor) -> Tensor:
    """Return the square root, correctly rounded as IEEE 754 requires.

    torch's vectorised root on the CPU is sometimes off in the last digit. Where a comparison of two roots decides, as for
    equal edge strengths in Qabf, only correct rounding reproduces other programs.
    """
    return torch.from_numpy(np.sqrt(x.numpy())) if x.device.type == "cpu" else x.sqrt()


def sum_image(x: Tensor) -> Tensor:
    """Return the sum over the pixels, [B, H, W] to [B].

    It sums rows first, because torch splits one long sum among its threads and their number would show in the digits.
    """
    return x.sum(-1).sum(-1)
