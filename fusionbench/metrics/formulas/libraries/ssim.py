"""SSIM as libraries of image metrics compute it, where that differs from the canonical definition.

Each metric is the sum over the sources S of the library's value for S and F, with levels 0..255 and L = 255 unless it
says otherwise, in [-2, 2]. `fusionbench.metrics.libraries` has the libraries' versions and calls.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from fusionbench.metrics.formulas.filters import gaussian_weights, smooth
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition

K1, K2 = 0.01, 0.03
GAUSSIAN, UNIFORM_11, UNIFORM_7 = gaussian_weights(11, 1.5), (1 / 11,) * 11, (1 / 7,) * 7

Weights = tuple[float, ...]


def pixels(image: Image, mirrored: int = 0, factor: int = 1) -> Tensor:
    """Return the levels, float64 [B, H, W], averaged over blocks of ``factor`` pixels, then mirrored at the border."""
    x = image.of(values)[:, None]
    x = avg_pool2d(x, factor) if factor > 1 else x
    return (pad(x, (mirrored,) * 4, mode="reflect") if mirrored else x)[:, 0]


def moments(image: Image, weights: Weights, *form: int) -> tuple[Tensor, Tensor]:
    """Return mean and population variance in each window; ``form`` are further arguments of `pixels`."""
    x = image.of(pixels, *form)
    mean = smooth(x, weights)
    return mean, smooth(x.square(), weights) - mean.square()


def similarity_parts(
    image: Image, other: Image, weights: Weights, peak: Tensor | float, sample: float, *form: int
) -> tuple[Tensor, Tensor]:
    """Return l and cs of SSIM = l cs in each window, float64 [B, h, w].

    l = (2 mx my + C1) / (mx^2 + my^2 + C1), cs = (2 cxy + C2) / (vx + vy + C2), C1 = (0.01 L)^2, C2 = (0.03 L)^2 with
    L = ``peak``. ``sample`` multiplies variances and covariance: n / (n - 1) for sample moments.
    """
    (x, variance_x), (y, variance_y) = (each.of(moments, weights, *form) for each in (image, other))
    cross = smooth(image.of(pixels, *form) * other.of(pixels, *form), weights) - x * y
    low, high = (K1 * peak) ** 2, (K2 * peak) ** 2
    means = (2 * x * y + low) / (x.square() + y.square() + low)
    return means, (2 * sample * cross + high) / (sample * (variance_x + variance_y) + high)


def _summed(
    triple: Triple,
    weights: Weights,
    *form: int,
    peak: Tensor | float = 255.0,
    sample: float = 1.0,
    clipped: bool = False,
) -> Tensor:
    """Return the sum over the sources of mean(l cs), float64 [B]; ``clipped`` sets negative cs to 0."""
    total: Tensor | float = 0.0
    for source in (triple.a, triple.b):
        means, structure = similarity_parts(source, triple.fused, weights, peak, sample, *form)
        similarity = means * (structure.clamp_(min=0) if clipped else structure)
        total = total + sum_image(similarity) / (similarity.shape[-2] * similarity.shape[-1])
    return torch.as_tensor(total)


@definition(
    metric="SSIM",
    name="mirrored-border",
    text="windows beyond the border see it mirrored, and are averaged in: 0.0011 lower at 256x256, up to 0.034 at 64x64",
    source="torchmetrics, kornia",
    smallest=6,
    combined="sum",
)
def structural_similarity_mirrored(triple: Triple) -> Outcome:
    """Return SSIM of windows around every pixel, the border mirrored, in [-2, 2]. Source: torchmetrics, kornia."""
    return Outcome(_summed(triple, GAUSSIAN, len(GAUSSIAN) // 2))


@definition(
    metric="SSIM",
    name="mirrored-border-range-of-data",
    text="L is the larger range of levels of the two images instead of 255, and the mirrored border is averaged in",
    source="torchmetrics without data_range",
    smallest=6,
    combined="sum",
)
def structural_similarity_range_of_data(triple: Triple) -> Outcome:
    """Return SSIM with L the larger range of levels of both images, border mirrored, in [-2, 2]. Source: torchmetrics.

    Undefined where a source and the fused image are constant, since L would be 0.
    """
    halves, undefined = [], []
    for name, source in (("a", triple.a), ("b", triple.b)):
        peak = torch.maximum(source.of(level_range), triple.fused.of(level_range))
        # L differs between the sources: one source in both places, and half of the sum
        alone = Triple(source, source, triple.fused)
        halves.append(_summed(alone, GAUSSIAN, len(GAUSSIAN) // 2, peak=peak[:, None, None]) / 2)
        undefined.append((peak == 0, f"source {name} and the fused image are constant, so L would be 0"))
    return Outcome(halves[0] + halves[1], tuple(undefined))


def level_range(image: Image) -> Tensor:
    """Return the highest minus the lowest level, float64 [B]."""
    x = image.of(values)
    return x.amax((-2, -1)) - x.amin((-2, -1))


@definition(
    metric="SSIM",
    name="uniform-11",
    text="an 11x11 uniform window instead of a Gaussian: 0.9457 for 0.8721",
    source="sewar",
    smallest=11,
    combined="sum",
)
def structural_similarity_uniform(triple: Triple) -> Outcome:
    """Return SSIM with an 11x11 uniform window, in [-2, 2]. Source: sewar."""
    return Outcome(_summed(triple, UNIFORM_11))


@definition(
    metric="SSIM",
    name="uniform-7-sample",
    text="a 7x7 uniform window and sample moments, in float64",
    source="scikit-image's defaults on 8-bit images",
    smallest=7,
    combined="sum",
)
def structural_similarity_uniform_sample(triple: Triple) -> Outcome:
    """Return SSIM with a 7x7 uniform window and sample moments (49/48), in [-2, 2]. Source: scikit-image."""
    return Outcome(_summed(triple, UNIFORM_7, sample=49 / 48))


@definition(
    metric="SSIM",
    name="uniform-7-l4095",
    text="a 7x7 uniform window, sample moments, and L = 4095 on levels 0..255, which makes differences count little",
    source="image-similarity-measures' defaults",
    smallest=7,
    combined="sum",
)
def structural_similarity_uniform_12_bit(triple: Triple) -> Outcome:
    """Return SSIM with a 7x7 uniform window, sample moments and L = 4095. Source: image-similarity-measures."""
    return Outcome(_summed(triple, UNIFORM_7, peak=4095.0, sample=49 / 48))


@definition(
    metric="SSIM",
    name="halved",
    text="images whose smaller side is at least 384 pixels are first shrunk by the whole number nearest to it over 256",
    source="piq's default; Wang's later MATLAB code",
    smallest=11,
    combined="sum",
)
def structural_similarity_halved(triple: Triple) -> Outcome:
    """Return SSIM of images averaged over blocks of round(min(M, N) / 256) pixels, in [-2, 2]. Source: piq."""
    factor = max(1, round(min(triple.fused.height, triple.fused.width) / 256))
    return Outcome(_summed(triple, GAUSSIAN, 0, factor))


@definition(
    metric="SSIM",
    name="clipped-structure",
    text="contrast and structure below 0 count as 0 in each window: higher where images are opposite somewhere",
    source="pyiqa",
    smallest=11,
    combined="sum",
)
def structural_similarity_clipped(triple: Triple) -> Outcome:
    """Return SSIM with negative cs set to 0 in each window, in [0, 2]. Source: pyiqa."""
    return Outcome(_summed(triple, GAUSSIAN, clipped=True))
