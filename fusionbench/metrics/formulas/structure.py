"""SSIM, structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004).

With means m, variances v and covariance c of two images X and Y in each window:

    SSIM = l cs,  l = (2 mx my + C1) / (mx^2 + my^2 + C1),  cs = (2 cxy + C2) / (vx + vy + C2)
    C1 = (0.01 L)^2,  C2 = (0.03 L)^2

averaged over the windows. Unless a definition says otherwise the window is an 11x11 Gaussian of 1.5 pixels inside the
image, moments are those of a population, and L = 255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.filters import bands, gaussian_weights, smooth
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition, metric

if TYPE_CHECKING:
    from fusionbench.metrics.compiled.images import Local

WINDOW = gaussian_weights(11, 1.5)
REPLICATED = len(WINDOW) // 2  # pixels of padding that allow a window around every pixel


class Constants(NamedTuple):
    """The constants C1 (luminance) and C2 (contrast), which keep fractions of dark or flat windows finite."""

    luminance: float
    contrast: float

    @classmethod
    def of(cls, peak: float) -> Constants:
        return cls((0.01 * peak) ** 2, (0.03 * peak) ** 2)


PEAK_255, PEAK_1 = Constants.of(255), Constants.of(1)


class Moments(NamedTuple):
    """A band of rows, with mean, squared mean and population variance in each window inside it, float64."""

    pixels: Tensor
    mean: Tensor
    mean_square: Tensor
    variance: Tensor


def moments(pixels: Tensor) -> Moments:
    """Return the moments of a band [B, H, W], float64 [B, H - 10, W - 10] each."""
    # E[x^2] - E[x]^2 loses digits where the mean is large: near level 255 it was off by 6e-11 in float64, and by 0.03
    # in float32, where the smaller C2, that of L = 1, is 9e-4
    mean = smooth(pixels, WINDOW)
    mean_square = mean.square()
    return Moments(pixels, mean, mean_square, smooth(pixels.square(), WINDOW).sub_(mean_square))


def local_moments(image: Image, border: int = 0) -> list[Moments]:
    """Return the moments of all bands of an image padded by ``border`` repeated pixels."""
    return [moments(band) for band in bands(bordered(image, border), len(WINDOW))]


def bordered(image: Image, border: int) -> Tensor:
    """Return the levels padded by ``border`` pixels that repeat the edge, float64 [B, H, W]."""
    pixels = image.of(values)
    return pad(pixels[:, None], (border,) * 4, mode="replicate")[:, 0] if border else pixels


def compiled_moments(image: Image, border: int = 0) -> list[Local]:
    """Return the same as `local_moments`, computed by numba, for each image of the batch instead of each band."""
    from fusionbench.metrics.compiled import images

    return images.structure_moments(bordered(image, border), WINDOW)


def contrast_and_structure(x: Moments, y: Moments, constants: Constants) -> tuple[Tensor, Tensor]:
    """Return numerator and denominator of cs in each window of a band."""
    covariance = smooth(x.pixels * y.pixels, WINDOW).addcmul_(x.mean, y.mean, value=-1)
    return covariance.mul_(2).add_(constants.contrast), torch.add(x.variance, y.variance).add_(
        constants.contrast
    )


def similarity(x: Moments, y: Moments, constants: Constants) -> Tensor:
    """Return the sum of l cs over the windows of a band, float64 [B]; one division serves both fractions."""
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
    """Return SSIM(A, F) + SSIM(B, F), float64 [B], in [-2, 2], each the mean over all windows."""
    if compiled.usable(triple.fused.levels):
        return _compiled_similarity(triple, constants, border)
    a, b, fused = (image.of(local_moments, border) for image in triple)
    # bands differ in height, so their sums are added and divided once, not their means averaged
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
    """Return SSIM(A, F) + SSIM(B, F), in [-2, 2]; see the module for the equation. Source: Wang et al. 2004."""
    return Outcome(summed_similarity(triple, PEAK_255))


@definition(
    metric="SSIM",
    name="mean",
    text="the mean over the sources instead of the sum: half the canonical value",
    smallest=11,
    version=2,
)
def structural_similarity_mean(triple: Triple) -> Outcome:
    """Return (SSIM(A, F) + SSIM(B, F)) / 2, in [-1, 1]."""
    return Outcome(summed_similarity(triple, PEAK_255) / 2)


@definition(
    metric="SSIM",
    name="matlab",
    text="MATLAB's ssim on [0, 1] images: windows beyond the border see it repeated; a mean over the sources",
    source="NestFuse, analysis_metrics_7.m",
    version=2,
)
def structural_similarity_matlab(triple: Triple) -> Outcome:
    """Return the mean over the sources of SSIM around every pixel, the border repeated, in [-1, 1]. Source: NestFuse."""
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
    """Return the mean over the sources of SSIM with L = 1 on 0..255, border repeated, in [-1, 1]. Source: Tang 2023.

    L = 1 is MATLAB's default for doubles. C1 and C2 are then so small that rounding decides in flat windows.
    """
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
    """Return SSIM(A, F) + SSIM(B, F) with L = 1 on levels 0..255, in [-2, 2]. Source: IVIF_ZOO."""
    return Outcome(summed_similarity(triple, PEAK_1))


SIDE = 7


def uniform(x: Tensor) -> Tensor:
    """Return the mean in each 7x7 window inside [B, H, W], float32.

    Columns are averaged in float64 and rounded to float32 before rows are, as SciPy's uniform_filter does: with L = 2
    this rounding shows in the value.
    """
    for dim in (-2, -1):
        x = (x.double().unfold(dim, SIDE, 1).sum(-1) / SIDE).float()
    return x


def uniform_mean(image: Image) -> Tensor:
    """Return the mean in each window, float32 [B, H - 6, W - 6]."""
    return uniform(image.levels.float())


def uniform_variance(image: Image) -> Tensor:
    """Return the sample variance in each window, float32 [B, H - 6, W - 6]."""
    return uniform_covariance(image, image)


def uniform_covariance(image: Image, other: Image) -> Tensor:
    """Return the sample covariance in each window, float32 [B, H - 6, W - 6]."""
    mean = image.of(uniform_mean) * other.of(uniform_mean)
    correction = SIDE**2 / (SIDE**2 - 1)
    return (uniform(image.levels.float() * other.levels.float()) - mean) * correction


def uniform_similarity(image: Image, other: Image, peak: float) -> Tensor:
    """Return SSIM of two images with 7x7 uniform windows, sample moments and L = ``peak``, float64 [B], from float32."""
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
    """Return SSIM(A, F) + SSIM(B, F) with 7x7 uniform windows and L = 2 on 0..255, in [-2, 2]. Source: CDDFuse.

    L = 2 is the default of scikit-image up to 0.19 for floating-point images.
    """
    return Outcome(_summed(triple, 2.0))


@definition(
    metric="SSIM",
    name="skimage",
    text="scikit-image with L = 255: 7x7 uniform window, sample moments",
    source="CDDFuse's evaluator, its range corrected",
    smallest=7,
)
def structural_similarity_skimage(triple: Triple) -> Outcome:
    """Return SSIM(A, F) + SSIM(B, F) with 7x7 uniform windows and L = 255, in [-2, 2]. Source: scikit-image."""
    return Outcome(_summed(triple, 255.0))


def _summed(triple: Triple, peak: float) -> Tensor:
    a, b, fused = triple
    return uniform_similarity(fused, a, peak) + uniform_similarity(fused, b, peak)
