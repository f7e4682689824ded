"""MEF-SSIM, by Ma et al. 2015: the structure of the fused image against the best that the sources offer."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import torch
from torch import Tensor

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.filters import bands, gaussian, smooth
from fusionbench.metrics.formulas.multiscale import halved
from fusionbench.metrics.image_cache import Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition, metric

SIDE = 11
GAUSSIAN = gaussian(SIDE, 1.5)
ONES = (1.0,) * SIDE
PIXELS = SIDE**2
CONTRAST = (0.03 * 255) ** 2
WEIGHTS = tuple(weight / (0.0448 + 0.2856 + 0.3001) for weight in (0.0448, 0.2856, 0.3001))
EPS = 2.0**-52
STEADY = 0.001  # added to each window's norm
STEEPEST = 10.0  # above this power the stronger source takes all


def quality(a: Tensor, b: Tensor, fused: Tensor) -> Tensor:
    """Return the mean over all windows inside [B, H, W] of how well the desired structure is met [B]."""
    height, width = a.shape[-2] - SIDE + 1, a.shape[-1] - SIDE + 1
    if compiled.usable(fused):
        from fusionbench.metrics.compiled import images

        return images.exposure_sums(a, b, fused, GAUSSIAN) / (height * width)
    parts = zip(*(bands(image, SIDE) for image in (a, b, fused)), strict=True)
    return reduce(add, (_band_quality(*part) for part in parts)) / (height * width)


def _band_quality(a: Tensor, b: Tensor, fused: Tensor) -> Tensor:
    """Return the sum over the windows of a band.

    The desired patch is a weighted sum of the centred sources, scaled to the larger norm. All its moments
    follow from those of the sources, so no patch is ever made.
    """
    share_a, share_b = _shares(*_energies(a, b))
    both = _covariance(a, b).mul_(2 * share_a * share_b)
    desired = share_a**2 * _covariance(a, a) + share_b**2 * _covariance(b, b) + both
    common = share_a * _covariance(a, fused) + share_b * _covariance(b, fused)
    return sum_image((2 * common + CONTRAST) / (desired + _covariance(fused, fused) + CONTRAST))


def _energies(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return in each window the sums of squares and of products about the mean: exact, so 0 where it is flat."""
    sums = [smooth(image, ONES) for image in (a, b)]
    pairs = ((a, a, 0, 0), (b, b, 1, 1), (a, b, 0, 1))
    of_a, of_b, of_both = (
        (PIXELS * smooth(x * y, ONES) - sums[i] * sums[j]) / PIXELS for x, y, i, j in pairs
    )
    return of_a, of_b, of_both


def _shares(energy_a: Tensor, energy_b: Tensor, product: Tensor) -> tuple[Tensor, Tensor]:
    """Return by how much the centred patch of each source enters the desired one."""
    norm_a, norm_b = energy_a.sqrt(), energy_b.sqrt()
    together = (energy_a + energy_b + 2 * product).clamp(min=0).sqrt()
    consistency = ((together + EPS) / (norm_a + norm_b + EPS)).clamp_(max=1 - EPS)
    power = (math.pi / 2 * consistency).tan_().clamp_(max=STEEPEST)
    strength_a, strength_b = norm_a + STEADY, norm_b + STEADY
    weight_a = (strength_a / SIDE) ** power + EPS
    weight_b = (strength_b / SIDE) ** power + EPS
    part_a = weight_a / (weight_a + weight_b) / strength_a
    part_b = weight_b / (weight_a + weight_b) / strength_b
    norm = (part_a**2 * energy_a + part_b**2 * energy_b + 2 * part_a * part_b * product).clamp_(min=0).sqrt_()
    scale = torch.where(norm > 0, torch.maximum(strength_a, strength_b) / norm, 0.0)
    return part_a * scale, part_b * scale


def _covariance(x: Tensor, y: Tensor) -> Tensor:
    """Return the covariance under the Gaussian window."""
    return smooth(x * y, GAUSSIAN).addcmul_(smooth(x, GAUSSIAN), smooth(y, GAUSSIAN), value=-1)


@metric(
    name="MEF-SSIM",
    title="Structural similarity for multi-exposure fusion",
    better="higher",
    unit="1",
    range=(0, 1),
    convention="Ma 2015: contrast and structure against the patch that the sources' patches add up to, K = 0.03, "
    "L = 255, three scales, one value for both sources",
    doi="10.1109/TIP.2015.2442920",
    smallest=44,
    symmetric=True,
    version=2,
)
def exposure_similarity(triple: Triple) -> Outcome:
    """Measure how far the local structure of the fused image is the best that both sources offer together.

    Undefined where it disagrees with that on the whole, at any scale.
    """
    scales = _qualities(triple)
    reason = "the fused image's structure is opposite to the sources'"
    return Outcome(_real_product(scales), (((scales < 0).any(0), reason),))


def _qualities(triple: Triple) -> Tensor:
    """Return the quality at each scale [3, B]."""
    a, b, fused = (image.of(values) for image in triple)
    qualities = [quality(a, b, fused)]
    for _ in WEIGHTS[1:]:
        a, b, fused = halved(a), halved(b), halved(fused)
        qualities.append(quality(a, b, fused))
    return torch.stack(qualities)


def _real_product(scales: Tensor) -> Tensor:
    """Return the real part of the product of the weighted powers: those of negative numbers are complex."""
    weights = torch.tensor(WEIGHTS, dtype=scales.dtype, device=scales.device)[:, None]
    turn = (math.pi * weights * (scales < 0)).sum(0)
    return (scales.abs() ** weights).prod(0) * turn.cos()


@definition(
    metric="MEF-SSIM",
    name="one-scale",
    text="the finest scale alone",
    source="Tang 2022, which prints it as SSIM",
    smallest=11,
    version=2,
)
def exposure_similarity_one_scale(triple: Triple) -> Outcome:
    """Measure it at full resolution only."""
    return Outcome(quality(*(image.of(values) for image in triple)))


@definition(
    metric="MEF-SSIM",
    name="real-part",
    text="the canonical value, and where a scale's mean is negative the real part of the complex product",
    source="Tang 2022 and 2023, which print it as MS_SSIM",
    smallest=44,
    version=2,
)
def exposure_similarity_real_part(triple: Triple) -> Outcome:
    """Measure it where the reference gives a complex number, too."""
    return Outcome(_real_product(_qualities(triple)))


@definition(
    metric="SSIM",
    name="mef-one-scale",
    text="MEF-SSIM at one scale: contrast and structure against the patch that both sources add up to",
    source="Tang 2022",
    smallest=11,
    version=2,
)
def ssim_that_is_mef(triple: Triple) -> Outcome:
    """Measure MEF-SSIM where a table calls it SSIM."""
    return exposure_similarity_one_scale(triple)


@definition(
    metric="MS-SSIM",
    name="mef",
    text="MEF-SSIM at three scales: contrast and structure against the patch that both sources add up to",
    source="Tang 2022 and 2023",
    smallest=44,
    version=2,
)
def ms_ssim_that_is_mef(triple: Triple) -> Outcome:
    """Measure MEF-SSIM where a table calls it MS-SSIM."""
    return exposure_similarity_real_part(triple)
