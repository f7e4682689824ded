"""MEF-SSIM: the structure of the fused image compared with the best that the sources offer (Ma, Zeng and Wang 2015).

In each 11x11 window the centred patches a and b of the sources give a desired patch r:

    p = tan(pi/2 * |a + b| / (|a| + |b|)), at most 10       direction: w_a a / |a| + w_b b / |b| with w_s ~ |s|^p
    r = max(|a|, |b|) * direction / |direction|
    Q = mean over windows of (2 s_rf + C) / (s_rr + s_ff + C),  C = (0.03 * 255)^2

s are covariances under a Gaussian window of 1.5 pixels. The metric is the product over three scales of Q^weight.
"""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import torch
from torch import Tensor

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.filters import bands, gaussian_weights, smooth
from fusionbench.metrics.formulas.multiscale import halved
from fusionbench.metrics.image_cache import Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition, metric

SIDE = 11
GAUSSIAN = gaussian_weights(SIDE, 1.5)
ONES = (1.0,) * SIDE
PIXELS = SIDE**2
# SSIM's second constant, for levels 0..255
CONTRAST = (0.03 * 255) ** 2
# the first three of MS-SSIM's five weights, normalised; finest scale first
WEIGHTS = tuple(weight / (0.0448 + 0.2856 + 0.3001) for weight in (0.0448, 0.2856, 0.3001))
EPS = 2.0**-52  # MATLAB's eps, which keeps fractions of two zeros finite
STEADY = 0.001  # added to the norm of each patch
STEEPEST = 10.0  # largest power p: above it the stronger patch is taken alone anyway


def quality(a: Tensor, b: Tensor, fused: Tensor) -> Tensor:
    """Return Q of the module's equation, float64 [B], from levels of one scale, float64 [B, H, W]; no padding."""
    height, width = a.shape[-2] - SIDE + 1, a.shape[-1] - SIDE + 1
    if compiled.usable(fused):
        from fusionbench.metrics.compiled import images

        return images.exposure_sums(a, b, fused, GAUSSIAN) / (height * width)
    parts = zip(*(bands(image, SIDE) for image in (a, b, fused)), strict=True)
    return reduce(add, (_band_quality(*part) for part in parts)) / (height * width)


def _band_quality(a: Tensor, b: Tensor, fused: Tensor) -> Tensor:
    """Return the sum over the windows of a band, float64 [B].

    The desired patch is a linear combination of the centred sources, so its moments follow from theirs and no patch is
    ever formed.
    """
    share_a, share_b = _shares(*_energies(a, b))
    both = _covariance(a, b).mul_(2 * share_a * share_b)
    desired = share_a**2 * _covariance(a, a) + share_b**2 * _covariance(b, b) + both
    common = share_a * _covariance(a, fused) + share_b * _covariance(b, fused)
    return sum_image((2 * common + CONTRAST) / (desired + _covariance(fused, fused) + CONTRAST))


def _energies(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return |a|^2, |b|^2 and a.b of the centred patches in each window, exact, so 0 in flat windows.

    n sum(xy) - sum(x) sum(y) is exact in float64, since levels are integers, at coarser scales sixteenths at most; it is
    divided by n at the end.
    """
    sums = [smooth(image, ONES) for image in (a, b)]
    pairs = ((a, a, 0, 0), (b, b, 1, 1), (a, b, 0, 1))
    of_a, of_b, of_both = (
        (PIXELS * smooth(x * y, ONES) - sums[i] * sums[j]) / PIXELS for x, y, i, j in pairs
    )
    return of_a, of_b, of_both


def _shares(energy_a: Tensor, energy_b: Tensor, product: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors of a and of b in the desired patch of each window."""
    norm_a, norm_b = energy_a.sqrt(), energy_b.sqrt()
    # rounding can make the squared norm of opposite patches negative
    together = (energy_a + energy_b + 2 * product).clamp(min=0).sqrt()
    # below 1, where the tangent would be infinite
    consistency = ((together + EPS) / (norm_a + norm_b + EPS)).clamp_(max=1 - EPS)
    power = (math.pi / 2 * consistency).tan_().clamp_(max=STEEPEST)
    strength_a, strength_b = norm_a + STEADY, norm_b + STEADY
    weight_a = (strength_a / SIDE) ** power + EPS
    weight_b = (strength_b / SIDE) ** power + EPS
    part_a = weight_a / (weight_a + weight_b) / strength_a
    part_b = weight_b / (weight_a + weight_b) / strength_b
    norm = (part_a**2 * energy_a + part_b**2 * energy_b + 2 * part_a * part_b * product).clamp_(min=0).sqrt_()
    # 0 where the patches are flat or cancel: the desired patch is flat then
    scale = torch.where(norm > 0, torch.maximum(strength_a, strength_b) / norm, 0.0)
    return part_a * scale, part_b * scale


def _covariance(x: Tensor, y: Tensor) -> Tensor:
    """Return the covariance of two bands under the Gaussian window, at each place."""
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
    """Return the product over three scales of Q^weight, in [0, 1]. Source: Ma, Zeng and Wang 2015.

    It is one value for both sources. Undefined where Q is negative at any scale, which has no real power.
    """
    scales = _qualities(triple)
    reason = "the fused image's structure is opposite to the sources'"
    return Outcome(_real_product(scales), (((scales < 0).any(0), reason),))


def _qualities(triple: Triple) -> Tensor:
    """Return Q at each scale, float64 [3, B]; each scale has the means of 2x2 pixels of the one before."""
    a, b, fused = (image.of(values) for image in triple)
    qualities = [quality(a, b, fused)]
    for _ in WEIGHTS[1:]:
        a, b, fused = halved(a), halved(b), halved(fused)
        qualities.append(quality(a, b, fused))
    return torch.stack(qualities)


def _real_product(scales: Tensor) -> Tensor:
    """Return Re(prod(Q^weight)), float64 [B].

    As in MATLAB, a negative Q has the complex power |Q|^w exp(i pi w), so the phases of negative factors add up.
    """
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
    """Return Q at full resolution, in [-1, 1]. Source: Tang 2022."""
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
    """Return Re(prod(Q^weight)), at most 1, also where Q is negative. Source: Tang 2022 and 2023."""
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
    """Return MEF-SSIM at one scale, in [-1, 1], which Tang 2022 prints as SSIM."""
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
    """Return MEF-SSIM at three scales, at most 1, which Tang 2022 and 2023 print as MS-SSIM."""
    return exposure_similarity_real_part(triple)
