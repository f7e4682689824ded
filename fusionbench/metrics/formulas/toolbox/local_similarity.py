"""Structural similarity weighted window by window: QS (Piella and Heijmans), QC (Cvejic et al.), QY (Yang et al.).

S(X, Y) is SSIM in a window and U(X, Y) is UIQI, that is SSIM with constants of nearly 0. v are variances, c covariances:

    QS = mean(k S(A, F) + (1 - k) S(B, F)),  k = v_A / (v_A + v_B)
    QC = mean(k U(A, F) + (1 - k) U(B, F)),  k = c_AF / (c_AF + c_BF) limited to [0, 1]
    QY = mean(k U(A, F) + (1 - k) U(B, F) where U(A, B) >= 0.75, else max(U(A, F), U(B, F))),  k as for QS
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

from fusionbench.metrics.formulas.filters import gaussian_weights, smooth
from fusionbench.metrics.image_cache import Image, Outcome, Triple, constant, sum_image, values
from fusionbench.metrics.registry import definition, metric

SIGMA = 1.5
ALIKE = 0.75  # similarity of the sources from which on QY averages over them


class SimilarityWindow(NamedTuple):
    """The side of the window in pixels, and the constants of luminance and of contrast."""

    side: int
    luminance: float
    contrast: float


# SSIM's window and constants (Wang et al. 2004)
WANG = SimilarityWindow(11, (0.01 * 255) ** 2, (0.03 * 255) ** 2)
TINY = SimilarityWindow(7, 2e-16, 2e-16)  # UIQI; Liu's constants of nearly 0 only keep flat windows from 0/0


class Windows(NamedTuple):
    """Mean and population variance in each window inside the image, float64 [B, H - side + 1, W - side + 1]."""

    mean: Tensor
    variance: Tensor


def window_moments(image: Image, side: int, exact: bool = False) -> Windows:
    """Return the moments of an image; ``exact`` sets the variance of windows with a single level to exactly 0.

    With the tiny constants of UIQI, rounding errors of such windows would decide the value.
    """
    x, weights = image.of(values), gaussian_weights(side, SIGMA)
    mean = smooth(x, weights)
    variance = smooth(x.square(), weights).addcmul_(mean, mean, value=-1)
    return Windows(mean, variance.masked_fill_(image.of(flat, side), 0.0) if exact else variance)


def flat(image: Image, side: int) -> Tensor:
    """Return which windows have a single level, bool [B, H - side + 1, W - side + 1]."""
    x = image.levels[:, None].float()  # max_pool2d does not accept integers
    return (max_pool2d(x, side, 1) == -max_pool2d(-x, side, 1))[:, 0]


def covariance(image: Image, other: Image, side: int, exact: bool = False) -> Tensor:
    """Return the covariance in each window; ``exact`` sets it to 0 where one of the windows has a single level."""
    x, y = (each.of(window_moments, side).mean for each in (image, other))
    product = smooth(image.of(values) * other.of(values), gaussian_weights(side, SIGMA))
    covariances = product.addcmul_(x, y, value=-1)
    return (
        covariances.masked_fill_(image.of(flat, side) | other.of(flat, side), 0.0) if exact else covariances
    )


def similarity(image: Image, other: Image, form: SimilarityWindow, exact: bool = False) -> Tensor:
    """Return SSIM with the constants of ``form`` in each window, float64 [B, h, w], in [-1, 1]."""
    (mean, variance), (mean_other, variance_other) = (
        each.of(window_moments, form.side, exact) for each in (image, other)
    )
    cross = image.of(covariance, other, form.side, exact)
    above = (2 * mean * mean_other + form.luminance) * (2 * cross + form.contrast)
    below = (mean.square() + mean_other.square() + form.luminance) * (
        variance + variance_other + form.contrast
    )
    return above.div_(below)


def _mean(x: Tensor) -> Tensor:
    return sum_image(x) / (x.shape[-2] * x.shape[-1])


def _shares(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return a / (a + b) and b / (a + b), each 0.5 where the sum is 0.

    The second is not computed as one minus the first, whose rounding would make the metric depend on the sources' order.
    """
    total = a + b
    return torch.where(total == 0, 0.5, a / total), torch.where(total == 0, 0.5, b / total)


def _weighted_similarity(triple: Triple) -> tuple[Tensor, Tensor]:
    """Return k S(A, F) + (1 - k) S(B, F) of QS, and the larger variance of the sources, in each window."""
    a, b, fused = triple
    variance_a, variance_b = (source.of(window_moments, WANG.side).variance for source in (a, b))
    # as in the reference code, windows where neither source has contrast get some, for the weight too
    neither = torch.where(variance_a + variance_b == 0, 0.5, 0.0)
    variance_a, variance_b = variance_a + neither, variance_b + neither
    total = variance_a + variance_b
    of_a, of_b = (similarity(fused, source, WANG) for source in (a, b))
    quality = variance_a / total * of_a + variance_b / total * of_b
    return quality, torch.maximum(variance_a, variance_b)


@metric(
    name="QS",
    title="Piella's quality Q_S",
    better="higher",
    unit="1",
    range=(-1, 1),
    convention="SSIM of each source and the fused image in 11x11 Gaussian windows of 1.5, L = 255, weighted by the "
    "source's share of the variance; mean over windows. SSIM stands where the paper has the universal quality index",
    doi="10.1109/ICIP.2003.1247209",
    smallest=11,
    symmetric=True,
)
def salience_weighted_similarity(triple: Triple) -> Outcome:
    """Return QS, in [-1, 1]; see the module for the equation. Source: Piella and Heijmans 2003, with SSIM for UIQI."""
    return Outcome(_mean(_weighted_similarity(triple)[0]))


@definition(
    metric="QS",
    name="weighted",
    text="windows weigh as much as the larger variance of both sources in them, Piella's Q_W",
    source="Zheng Liu's metricPeilla.m, case 2",
    smallest=11,
)
def variance_weighted_similarity(triple: Triple) -> Outcome:
    """Return QS with windows weighted by max(v_A, v_B), in [-1, 1]. Source: Piella's Q_W, Zheng Liu's metricPeilla.m.

    Undefined where both sources are constant.
    """
    quality, weight = _weighted_similarity(triple)
    both_flat = triple.a.of(constant) & triple.b.of(constant)
    return Outcome(
        sum_image(quality * weight) / sum_image(weight), ((both_flat, "both sources are constant"),)
    )


@metric(
    name="QC",
    title="Cvejic's quality Q_C",
    better="higher",
    unit="1",
    range=(-1, 1),
    convention="UIQI in 7x7 Gaussian windows of 1.5, each source weighted by its covariance with the fused image over the "
    "sum of both, cut to 0..1, a half where both are 0; mean over windows",
    doi="10.1049/el:20073144",
    smallest=7,
    symmetric=True,
)
def covariance_weighted_similarity(triple: Triple) -> Outcome:
    """Return QC, in [-1, 1]; see the module for the equation. Source: Cvejic et al."""
    a, b, fused = triple
    shared_a, shared_b = (fused.of(covariance, source, TINY.side, True) for source in (a, b))
    share_a, share_b = (share.clamp_(0, 1) for share in _shares(shared_a, shared_b))
    of_a, of_b = (similarity(fused, source, TINY, exact=True) for source in (a, b))
    return Outcome(_mean(share_a * of_a + share_b * of_b))


@definition(
    metric="QC",
    name="clamped-product",
    text="not the weight but the weighted similarity is put to 0 where the weight of a is below 0, and to 1 where it is "
    "above 1, so that swapping the sources changes much (0.37 and 0.64 for one pair); no value with black patches, and "
    "rounding decides in other flat ones",
    source="Zheng Liu's metricCvejic.m, case 2",
    smallest=7,
)
def covariance_weighted_similarity_one_sided(triple: Triple) -> Outcome:
    """Return QC with the weighted similarity set to 0 where k < 0 and to 1 where k > 1. Source: Liu's metricCvejic.m.

    It is in [-1, 1], and 1 in windows where F follows a and opposes b. Undefined where k is 0/0 in a window, that is
    where the fused image or both sources are black in it.
    """
    a, b, fused = triple
    shared_a, shared_b = (fused.of(covariance, source, TINY.side) for source in (a, b))
    of_a, of_b = (similarity(fused, source, TINY) for source in (a, b))
    weight = shared_a / (shared_a + shared_b)
    quality = weight * of_a + (1 - weight) * of_b
    quality = quality.masked_fill_(weight < 0, 0.0).masked_fill_(weight > 1, 1.0)
    return Outcome(_mean(quality), _black_windows(fused.of(constant), weight))


@metric(
    name="QY",
    title="Yang's quality Q_Y",
    better="higher",
    unit="1",
    range=(-1, 1),
    convention="UIQI in 7x7 Gaussian windows of 1.5: weighted by the sources' variances where the sources are alike to 0.75 "
    "or more (halves where both are flat), the better of both elsewhere; mean over windows",
    doi="10.1016/j.inffus.2006.09.001",
    smallest=7,
    symmetric=True,
)
def redundancy_aware_similarity(triple: Triple) -> Outcome:
    """Return QY, in [-1, 1]; see the module for the equation. Source: Yang et al. 2008."""
    return Outcome(_mean(_yang(triple, exact=True)))


@definition(
    metric="QY",
    name="unguarded",
    text="the weight is 0/0 where both sources are flat: no value where they share a black patch, and rounding decides in "
    "other flat ones",
    source="Zheng Liu's metricYang.m",
    smallest=7,
)
def redundancy_aware_similarity_unguarded(triple: Triple) -> Outcome:
    """Return QY with k = 0/0 where both sources are flat, in [-1, 1]. Source: Zheng Liu's metricYang.m.

    Undefined where both sources are black in a window.
    """
    quality = _yang(triple, exact=False)
    both_flat = triple.a.of(constant) & triple.b.of(constant)
    return Outcome(_mean(quality), _black_windows(both_flat, quality))


def _yang(triple: Triple, exact: bool) -> Tensor:
    """Return the quality of QY in each window; with ``exact=False`` it is NaN where both sources are black."""
    a, b, fused = triple
    variance_a, variance_b = (source.of(window_moments, TINY.side, exact).variance for source in (a, b))
    of_a, of_b = (similarity(fused, source, TINY, exact) for source in (a, b))
    if exact:
        share_a, share_b = _shares(variance_a, variance_b)
    else:
        share_a = variance_a / (variance_a + variance_b)
        share_b = 1 - share_a
    alike = a.of(similarity, b, TINY, exact) >= ALIKE
    quality = torch.where(alike, share_a * of_a + share_b * of_b, torch.maximum(of_a, of_b))
    return quality if exact else quality + 0 * share_a  # 0/0 in k also spoils windows of the other branch


def _black_windows(flat_image: Tensor, quality: Tensor) -> tuple[tuple[Tensor, str], ...]:
    """Return masks [B] with reasons for images in which a window without contrast has no weight."""
    return (
        (flat_image, "an image that the weights come from is constant"),
        (quality.isnan().flatten(1).any(-1), "a window without contrast has no weight"),
    )


@definition(
    metric="QY",
    name="window-of-sum-7",
    text="the window is a row of a Gaussian repeated seven times without a norm, so that variances are negative; zero "
    "padding, constants 0.0001 and 0.0009: values of 0.73 to 1.11 instead of 0.54 to 0.77",
    source="IVIF_ZOO (Qy)",
)
def redundancy_aware_similarity_sum_7(triple: Triple) -> Outcome:
    """Return QY with a window whose weights add up to 7, about 0.73 to 1.11. Source: IVIF_ZOO (Qy)."""
    a, b, fused = triple
    variance_a, variance_b = (source.of(_heavy_windows).variance for source in (a, b))
    of_a, of_b, of_both = (_heavy_similarity(*pair) for pair in ((a, fused), (b, fused), (a, b)))
    share = variance_a / (variance_a + variance_b + 1e-10)
    return Outcome(
        _mean(torch.where(of_both >= ALIKE, share * of_a + (1 - share) * of_b, torch.maximum(of_a, of_b)))
    )


def _heavy(x: Tensor) -> Tensor:
    """Return the sum of seven rows, weighted over seven columns by a Gaussian, with zeros beyond the border."""
    weights = torch.tensor(gaussian_weights(7, SIGMA), dtype=x.dtype, device=x.device)
    rows = avg_pool2d(pad(x[:, None], (3, 3, 3, 3)), (7, 1), 1, divisor_override=1)
    return conv2d(rows, weights.view(1, 1, 1, 7))[:, 0]


def _heavy_windows(image: Image) -> Windows:
    mean = _heavy(image.of(values))
    return Windows(mean, _heavy(image.of(values).square()) - mean.square())


def _heavy_similarity(image: Image, other: Image) -> Tensor:
    (x, variance), (y, variance_other) = image.of(_heavy_windows), other.of(_heavy_windows)
    cross = _heavy(image.of(values) * other.of(values)) - x * y
    above = (2 * x * y + 1e-4) * (2 * cross + 9e-4)
    return above / ((x.square() + y.square() + 1e-4) * (variance + variance_other + 9e-4))
