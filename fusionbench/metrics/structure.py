"""Metrics of structural similarity."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fusionbench.metrics.filters import bands, gaussian, smooth
from fusionbench.metrics.registry import metric
from fusionbench.metrics.statistics import Image, Outcome, Triple, sum_image, values

WINDOW = gaussian(11, 1.5)
LUMINANCE, CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # what keeps the ratios stable, on 0..255


class Moments(NamedTuple):
    """A band of pixels, and mean, squared mean and population variance in each window inside it."""

    pixels: Tensor
    mean: Tensor
    mean_square: Tensor
    variance: Tensor


def moments(pixels: Tensor) -> Moments:
    """Return the moments of a band, float64 [B, H - 10, W - 10] from [B, H, W]."""
    mean = smooth(pixels, WINDOW)
    mean_square = mean.square()
    return Moments(pixels, mean, mean_square, smooth(pixels.square(), WINDOW).sub_(mean_square))


def local_moments(image: Image) -> list[Moments]:
    """Return the moments of all bands of an image."""
    return [moments(band) for band in bands(image.of(values), len(WINDOW))]


def similarity(x: Moments, y: Moments) -> Tensor:
    """Return the sum of the structural similarity over the windows of a band [B]."""
    means = x.mean * y.mean
    covariance = smooth(x.pixels * y.pixels, WINDOW).sub_(means)
    numerator = means.mul_(2).add_(LUMINANCE).mul_(covariance.mul_(2).add_(CONTRAST))
    denominator = torch.add(x.mean_square, y.mean_square).add_(LUMINANCE)
    denominator.mul_(torch.add(x.variance, y.variance).add_(CONTRAST))
    return sum_image(numerator.div_(denominator))


@metric(
    name="SSIM",
    title="Structural similarity",
    better="higher",
    unit="1",
    range=(-2, 2),
    convention="SSIM(a, fused) + SSIM(b, fused), 11x11 Gaussian of 1.5 inside the image, L = 255, K = 0.01 "
    "and 0.03, population moments, a sum over the sources",
    doi="10.1109/TIP.2003.819861",
    smallest=11,
)
def structural_similarity(triple: Triple) -> Outcome:
    """Measure how alike the fused image and each source are in local mean, contrast and structure."""
    a, b, fused = triple
    windows = (fused.height - len(WINDOW) + 1) * (fused.width - len(WINDOW) + 1)
    found = map(moments, bands(fused.of(values), len(WINDOW)))
    return Outcome(sum(map(_similarities, found, a.of(local_moments), b.of(local_moments))) / windows)


def _similarities(fused: Moments, a: Moments, b: Moments) -> Tensor:
    return similarity(fused, a) + similarity(fused, b)
