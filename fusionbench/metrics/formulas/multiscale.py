"""Structural similarity at five scales."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.filters import bands
from fusionbench.metrics.formulas.structure import (
    PEAK_255,
    WINDOW,
    Moments,
    contrast_and_structure,
    moments,
    similarity,
)
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition, metric

if TYPE_CHECKING:
    from fusionbench.metrics.compiled.images import Local

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # finest scale first
SMALLEST = 161  # the fifth scale then has a window's 11 pixels: 161, 81, 41, 21, 11


def scale_moments(image: Image, zero_padded: bool) -> list[list[Moments]]:
    """Return the moments of all bands of all scales, each scale the means of 2x2 pixels of the one before."""
    return [[moments(band) for band in bands(pixels, len(WINDOW))] for pixels in scales(image, zero_padded)]


def compiled_scale_moments(image: Image, zero_padded: bool) -> list[list[Local]]:
    """Return what `scale_moments` does, computed by numba: for each image of a batch instead of each band."""
    from fusionbench.metrics.compiled import images

    return [images.structure_moments(pixels, WINDOW) for pixels in scales(image, zero_padded)]


def scales(image: Image, zero_padded: bool) -> Iterator[Tensor]:
    """Yield the five scales of the levels, float64 [B, H, W]."""
    pixels = image.of(values)
    for _ in WEIGHTS:
        yield pixels
        pixels = halved_zero_padded(pixels) if zero_padded else halved(pixels)


def halved(x: Tensor) -> Tensor:
    """Return the means of 2x2 pixels of [B, H, W]; of an odd side the last row or column is repeated."""
    odd = (0, x.shape[-1] % 2, 0, x.shape[-2] % 2)
    return avg_pool2d(pad(x[:, None], odd, mode="replicate"), 2)[:, 0]


def halved_zero_padded(x: Tensor) -> Tensor:
    """Return the means of 2x2 pixels; an odd side gets a black row or column before and after."""
    return avg_pool2d(x[:, None], 2, padding=(x.shape[-2] % 2, x.shape[-1] % 2))[:, 0]


def multiscale_similarity(source: Image, fused: Image, zero_padded: bool) -> Tensor:
    """Return the product over the scales [B]: contrast and structure at each, the means at the coarsest only."""
    means = _compiled_means if compiled.usable(fused.levels) else _means
    # a negative mean has no power: the images disagree, and count as having nothing in common
    powers = [
        mean.clamp_(min=0) ** weight
        for mean, weight in zip(means(source, fused, zero_padded), WEIGHTS, strict=True)
    ]
    return reduce(mul, powers)


def _means(source: Image, fused: Image, zero_padded: bool) -> Iterator[Tensor]:
    """Yield the mean over the windows of each scale [B]."""
    scales = zip(fused.of(scale_moments, zero_padded), source.of(scale_moments, zero_padded), strict=True)
    for level, (x, y) in enumerate(scales):
        places = sum(band.mean[0].numel() for band in x)
        parts = (_similarity(*pair, level == len(WEIGHTS) - 1) for pair in zip(x, y, strict=True))
        yield sum(parts) / places


def _compiled_means(source: Image, fused: Image, zero_padded: bool) -> Iterator[Tensor]:
    from fusionbench.metrics.compiled import images

    scales = (image.of(compiled_scale_moments, zero_padded) for image in (fused, source))
    for level, (x, y) in enumerate(zip(*scales, strict=True)):
        luminance = PEAK_255.luminance if level == len(WEIGHTS) - 1 else 0.0
        yield images.structure_sums(x, y, luminance, PEAK_255.contrast) / x[0].mean.size


def _similarity(x: Moments, y: Moments, with_means: bool) -> Tensor:
    if with_means:
        return similarity(x, y, PEAK_255)
    numerator, denominator = contrast_and_structure(x, y, PEAK_255)
    return sum_image(numerator.div_(denominator))


@metric(
    name="MS-SSIM",
    title="Multi-scale structural similarity",
    better="higher",
    unit="1",
    range=(0, 2),
    convention="MS-SSIM(a, fused) + MS-SSIM(b, fused), five scales of Wang 2003, 11x11 Gaussian of 1.5 inside the "
    "image, L = 255, negative means count as 0, a sum over the sources",
    doi="10.1109/ACSSC.2003.1292216",
    smallest=161,
    symmetric=True,
    version=2,
    combined="sum",
)
def multiscale_structural_similarity(triple: Triple) -> Outcome:
    """Measure how alike the fused image and each source are, over five scales."""
    a, b, fused = triple
    return Outcome(multiscale_similarity(a, fused, False) + multiscale_similarity(b, fused, False))


@definition(
    metric="MS-SSIM",
    name="mean-zero-padded",
    text="the mean over the sources, and odd sides get a black row or column on both ends before they are halved",
    source="pytorch-msssim as cslib uses it",
    smallest=161,
    version=2,
)
def multiscale_structural_similarity_zero_padded(triple: Triple) -> Outcome:
    """Measure the mean over the sources with padding that darkens the borders of coarse scales."""
    a, b, fused = triple
    return Outcome((multiscale_similarity(a, fused, True) + multiscale_similarity(b, fused, True)) / 2)
