"""Structural similarity as scikit-image computes it: 7x7 uniform windows, sample moments, in float32.

The arithmetic follows it step by step, because with small constants the rounding of float32 shows in the third
decimal on images with flat areas.
"""

from __future__ import annotations

from torch import Tensor

from fusionbench.metrics.registry import definition
from fusionbench.metrics.statistics import Image, Outcome, Triple

SIDE = 7


def uniform(x: Tensor) -> Tensor:
    """Return the mean in each window inside [B, H, W], float32: of columns, rounded, then of rows."""
    for dim in (-2, -1):
        x = (x.double().unfold(dim, SIDE, 1).sum(-1) / SIDE).float()
    return x


def uniform_mean(image: Image) -> Tensor:
    """Return the local mean, float32 [B, H - 6, W - 6]."""
    return uniform(image.levels.float())


def uniform_variance(image: Image) -> Tensor:
    """Return the local sample variance, float32 [B, H - 6, W - 6]."""
    return uniform_covariance(image, image)


def uniform_covariance(image: Image, other: Image) -> Tensor:
    """Return the local sample covariance, float32 [B, H - 6, W - 6]."""
    mean = image.of(uniform_mean) * other.of(uniform_mean)
    correction = SIDE**2 / (SIDE**2 - 1)
    return (uniform(image.levels.float() * other.levels.float()) - mean) * correction


def uniform_similarity(image: Image, other: Image, peak: float) -> Tensor:
    """Return the mean structural similarity of two images [B]."""
    luminance, contrast = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    x, y = image.of(uniform_mean), other.of(uniform_mean)
    covariance = uniform_covariance(image, other)
    above = (2 * x * y + luminance) * (2 * covariance + contrast)
    variances = image.of(uniform_variance) + other.of(uniform_variance)
    below = (x.square() + y.square() + luminance) * (variances + contrast)
    return (above / below).double().mean((-2, -1))


@definition(
    metric="SSIM",
    name="skimage-l2",
    text="scikit-image up to 0.19 called on float32 levels 0..255: 7x7 uniform window, sample moments, and its default "
    "range L = 2, so that rounding decides in flat areas",
    source="CDDFuse; RefineFuse's tables",
    smallest=7,
)
def structural_similarity_skimage_l2(triple: Triple) -> Outcome:
    """Measure the sum over the sources with a range of 2."""
    return Outcome(_summed(triple, 2.0))


@definition(
    metric="SSIM",
    name="skimage",
    text="scikit-image with L = 255: 7x7 uniform window, sample moments",
    source="CDDFuse's evaluator, its range corrected",
    smallest=7,
)
def structural_similarity_skimage(triple: Triple) -> Outcome:
    """Measure the sum over the sources with the range that the levels have."""
    return Outcome(_summed(triple, 255.0))


def _summed(triple: Triple, peak: float) -> Tensor:
    a, b, fused = triple
    return uniform_similarity(fused, a, peak) + uniform_similarity(fused, b, peak)
