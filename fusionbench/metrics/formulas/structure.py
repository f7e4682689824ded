"""Metrics of structural similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.filters import bands, gaussian, smooth
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition, metric

if TYPE_CHECKING:
    from fusionbench.metrics.compiled.images import Local

WINDOW = gaussian(11, 1.5)
REPLICATED = len(WINDOW) // 2  # pixels beyond the border, for a window around every pixel


class Constants(NamedTuple):
    """What keeps the ratios of luminance and contrast stable."""

    luminance: float
    contrast: float

    @classmethod
    def of(cls, peak: float) -> Constants:
        return cls((0.01 * peak) ** 2, (0.03 * peak) ** 2)


PEAK_255, PEAK_1 = Constants.of(255), Constants.of(1)


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


def local_moments(image: Image, border: int = 0) -> list[Moments]:
    """Return the moments of all bands of an image, its border repeated outwards by ``border`` pixels."""
    return [moments(band) for band in bands(bordered(image, border), len(WINDOW))]


def bordered(image: Image, border: int) -> Tensor:
    """Return the levels, their border repeated outwards by ``border`` pixels, float64 [B, H, W]."""
    pixels = image.of(values)
    return pad(pixels[:, None], (border,) * 4, mode="replicate")[:, 0] if border else pixels


def compiled_moments(image: Image, border: int = 0) -> list[Local]:
    """Return what `local_moments` does, computed by numba: for each image of a batch instead of each band."""
    from fusionbench.metrics.compiled import images

    return images.structure_moments(bordered(image, border), WINDOW)


def contrast_and_structure(x: Moments, y: Moments, constants: Constants) -> tuple[Tensor, Tensor]:
    """Return numerator and denominator of the part of the similarity that means do not enter."""
    covariance = smooth(x.pixels * y.pixels, WINDOW).addcmul_(x.mean, y.mean, value=-1)
    return covariance.mul_(2).add_(constants.contrast), torch.add(x.variance, y.variance).add_(
        constants.contrast
    )


def similarity(x: Moments, y: Moments, constants: Constants) -> Tensor:
    """Return the sum of the structural similarity over the windows of a band [B]."""
    numerator, denominator = contrast_and_structure(x, y, constants)
    numerator.mul_((x.mean * y.mean).mul_(2).add_(constants.luminance))
    denominator.mul_(torch.add(x.mean_square, y.mean_square).add_(constants.luminance))
    return sum_image(numerator.div_(denominator))


def _compiled_similarity(triple: Triple, constants: Constants, border: int) -> Tensor:
    from fusionbench.metrics.compiled import images

    a, b, fused = (image.of(compiled_moments, border) for image in triple)
    sums = (images.structure_sums(fused, source, *constants) for source in (a, b))
    return sum(sums) / fused[0].mean.size


def summed_similarity(triple: Triple, constants: Constants, border: int = 0) -> Tensor:
    """Return SSIM(a, fused) + SSIM(b, fused) [B], each the mean over all windows."""
    if compiled.usable(triple.fused.levels):
        return _compiled_similarity(triple, constants, border)
    a, b, fused = (image.of(local_moments, border) for image in triple)
    places = sum(band.mean[0].numel() for band in fused)
    pairs = ((x, y) for source in (a, b) for x, y in zip(fused, source, strict=True))
    return sum(similarity(x, y, constants) for x, y in pairs) / places


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
    symmetric=True,
    version=2,
    combined="sum",
)
def structural_similarity(triple: Triple) -> Outcome:
    """Measure how alike the fused image and each source are in local mean, contrast and structure."""
    return Outcome(summed_similarity(triple, PEAK_255))


@definition(
    metric="SSIM",
    name="mean",
    text="the mean over the sources instead of the sum: half the canonical value",
    smallest=11,
    version=2,
)
def structural_similarity_mean(triple: Triple) -> Outcome:
    """Measure the mean structural similarity to the sources."""
    return Outcome(summed_similarity(triple, PEAK_255) / 2)


@definition(
    metric="SSIM",
    name="matlab",
    text="MATLAB's ssim on [0, 1] images: windows beyond the border see it repeated; a mean over the sources",
    source="NestFuse, analysis_metrics_7.m",
    version=2,
)
def structural_similarity_matlab(triple: Triple) -> Outcome:
    """Measure the mean structural similarity in windows around every pixel."""
    return Outcome(summed_similarity(triple, PEAK_255, REPLICATED) / 2)


@definition(
    metric="SSIM",
    name="matlab-l1",
    text="MATLAB's ssim with L = 1 on levels 0..255, so that rounding decides in flat areas; windows beyond the "
    "border see it repeated; a mean over the sources",
    source="Tang 2023",
    version=2,
)
def structural_similarity_matlab_l1(triple: Triple) -> Outcome:
    """Measure what MATLAB's default range makes of levels 0..255."""
    return Outcome(summed_similarity(triple, PEAK_1, REPLICATED) / 2)


@definition(
    metric="SSIM",
    name="l1",
    text="L = 1 on levels 0..255, so that rounding decides in flat areas; the sum over the sources",
    source="IVIF_ZOO",
    smallest=11,
    version=2,
)
def structural_similarity_l1(triple: Triple) -> Outcome:
    """Measure the canonical SSIM with constants that are far too small."""
    return Outcome(summed_similarity(triple, PEAK_1))


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
