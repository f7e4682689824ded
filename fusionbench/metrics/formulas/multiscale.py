"""MS-SSIM, structural similarity at five scales (Wang, Simoncelli and Bovik 2003).

    MS-SSIM(S, F) = mean(l_5 cs_5)^w_5 * prod over scales k < 5 of mean(cs_k)^w_k

l (luminance) and cs (contrast and structure) are the factors of SSIM, see `fusionbench.metrics.formulas.structure`.
Each scale has the means of 2x2 pixels of the one before. Negative means count as 0.
"""

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
    """Return, for each scale, the moments of all bands of rows."""
    return [[moments(band) for band in bands(pixels, len(WINDOW))] for pixels in scales(image, zero_padded)]


def compiled_scale_moments(image: Image, zero_padded: bool) -> list[list[Local]]:
    """Return the same as `scale_moments`, computed by numba, for each image of the batch instead of each band."""
    from fusionbench.metrics.compiled import images

    return [images.structure_moments(pixels, WINDOW) for pixels in scales(image, zero_padded)]


def scales(image: Image, zero_padded: bool) -> Iterator[Tensor]:
    """Yield the levels at the five scales, float64 [B, H, W], the finest first."""
    pixels = image.of(values)
    for _ in WEIGHTS:
        yield pixels
        pixels = halved_zero_padded(pixels) if zero_padded else halved(pixels)


def halved(x: Tensor) -> Tensor:
    """Return the means of 2x2 pixels, [B, H/2, W/2] rounded up; the last row or column of an odd side is repeated."""
    odd = (0, x.shape[-1] % 2, 0, x.shape[-2] % 2)
    return avg_pool2d(pad(x[:, None], odd, mode="replicate"), 2)[:, 0]


def halved_zero_padded(x: Tensor) -> Tensor:
    """Return the means of 2x2 pixels; an odd side is padded with a black row or column on both ends."""
    return avg_pool2d(x[:, None], 2, padding=(x.shape[-2] % 2, x.shape[-1] % 2))[:, 0]


def multiscale_similarity(source: Image, fused: Image, zero_padded: bool) -> Tensor:
    """Return MS-SSIM(S, F) of the module's equation, float64 [B], in [0, 1]."""
    means = _compiled_means if compiled.usable(fused.levels) else _means
    # a negative number has no real power: opposite structures count as having nothing in common
    powers = [
        mean.clamp_(min=0) ** weight
        for mean, weight in zip(means(source, fused, zero_padded), WEIGHTS, strict=True)
    ]
    return reduce(mul, powers)


def _means(source: Image, fused: Image, zero_padded: bool) -> Iterator[Tensor]:
    """Yield mean(cs) of each scale, at the coarsest mean(l cs), float64 [B]."""
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
    """Return MS-SSIM(A, F) + MS-SSIM(B, F), in [0, 2]; see the module for the equation. Source: Wang et al. 2003."""
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
    """Return the mean over the sources, in [0, 1], with odd sides padded by black, which darkens coarse borders.

    Source: pytorch-msssim in cslib.
    """
    a, b, fused = triple
    return Outcome((multiscale_similarity(a, fused, True) + multiscale_similarity(b, fused, True)) / 2)
