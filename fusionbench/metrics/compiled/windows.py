"""Sliding Gaussian windows over images [H, W], and the sums of VIF, VIFF and SSIM over them.

Sums of logarithms are computed as logarithms of products over many windows, because one logarithm per window would take
more time than everything else. `fusionbench.metrics.formulas` has the equations.
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.metrics.compiled.jit import compiled
from fusionbench.metrics.compiled.rows import mean_row, product_row

FLAT = 1e-10  # variances below this are rounding errors and count as 0
# factors of one product: each is below 2**16, so the product is below 2**960 and cannot overflow
TOGETHER = 60


@compiled
def smoothed_and_halved(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return an image smoothed in windows inside it, of which every second row and column is kept."""
    taps = len(weights)
    height, width = x.shape[0] - taps + 1, x.shape[1] - taps + 1
    out = np.empty(((height + 1) // 2, (width + 1) // 2))
    row, down = np.empty(width), np.empty(x.shape[1])
    for i in range(out.shape[0]):
        mean_row(row, down, x, 2 * i, weights)
        for j in range(out.shape[1]):
            out[i, j] = row[2 * j]
    return out


@compiled
def moments(x: np.ndarray, weights: np.ndarray, flat: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and population variance in each window inside the image; variances below ``flat`` are set to 0."""
    taps = len(weights)
    mean = np.empty((x.shape[0] - taps + 1, x.shape[1] - taps + 1))
    variance = np.empty_like(mean)
    down, squares = np.empty(x.shape[1]), np.empty((taps, x.shape[1]))
    for i in range(mean.shape[0]):
        m, v = mean[i], variance[i]
        mean_row(m, down, x, i, weights)
        product_row(v, down, squares, x, x, i, weights)
        for j in range(len(m)):
            raw = v[j] - m[j] * m[j]
            v[j] = raw if raw >= flat else 0.0
    return mean, variance


@compiled
def log_sum(products: np.ndarray) -> float:
    """Return the sum of the logarithms of a row of products, and reset the row to 1."""
    total = 0.0
    for j in range(len(products)):
        total += math.log(products[j])
        products[j] = 1.0
    return total


@compiled
def information(variance: np.ndarray, noise: float) -> float:
    """Return sum log(1 + variance / noise) over the windows, in nats."""
    products = np.ones(variance.shape[1])
    total = 0.0
    for i in range(variance.shape[0]):
        row = variance[i]
        for j in range(len(products)):
            products[j] *= 1.0 + row[j] / noise
        if i % TOGETHER == TOGETHER - 1:
            total += log_sum(products)
    return total + log_sum(products)


@compiled
def preserved_row(
    over: np.ndarray, under: np.ndarray, covariance: np.ndarray, mean: np.ndarray, variance: np.ndarray,
    fused_mean: np.ndarray, fused_variance: np.ndarray, noise: float,
) -> None:  # fmt: skip
    """Multiply numerator and denominator of 1 + g^2 v_S / (r + n) into ``over`` and ``under``."""
    for j in range(len(over)):
        cov = covariance[j] - mean[j] * fused_mean[j]
        gain = cov / (variance[j] + FLAT)
        gain = gain if gain > 0.0 else 0.0
        gain = gain if fused_variance[j] > 0.0 else 0.0
        rest = fused_variance[j] - gain * cov
        rest = (rest if rest > FLAT else FLAT) + noise
        over[j] *= gain * gain * variance[j] + rest
        under[j] *= rest


@compiled
def preserved_information(
    fused: np.ndarray, a: np.ndarray, mean_a: np.ndarray, variance_a: np.ndarray,
    b: np.ndarray, mean_b: np.ndarray, variance_b: np.ndarray, weights: np.ndarray, noise: float,
) -> tuple[float, float]:  # fmt: skip
    """Return sum log(1 + g^2 v_S / (r + n)) of VIF for both sources at one scale, in nats."""
    height, width = mean_a.shape
    down, latest = np.empty(fused.shape[1]), np.empty((3, len(weights), fused.shape[1]))
    mean, variance, with_a, with_b = np.empty(width), np.empty(width), np.empty(width), np.empty(width)
    over_a, under_a, over_b, under_b = np.ones(width), np.ones(width), np.ones(width), np.ones(width)
    kept_a, kept_b = 0.0, 0.0
    for i in range(height):
        mean_row(mean, down, fused, i, weights)
        product_row(variance, down, latest[0], fused, fused, i, weights)
        product_row(with_a, down, latest[1], fused, a, i, weights)
        product_row(with_b, down, latest[2], fused, b, i, weights)
        for j in range(width):
            raw = variance[j] - mean[j] * mean[j]
            variance[j] = raw if raw >= FLAT else 0.0
        preserved_row(over_a, under_a, with_a, mean_a[i], variance_a[i], mean, variance, noise)
        preserved_row(over_b, under_b, with_b, mean_b[i], variance_b[i], mean, variance, noise)
        if i % TOGETHER == TOGETHER - 1 or i == height - 1:
            kept_a += log_sum(over_a) - log_sum(under_a)
            kept_b += log_sum(over_b) - log_sum(under_b)
    return kept_a, kept_b


@compiled
def similarity_row(
    total: np.ndarray, covariance: np.ndarray, mean: np.ndarray, variance: np.ndarray,
    fused_mean: np.ndarray, fused_variance: np.ndarray, luminance: float, contrast: float,
) -> None:  # fmt: skip
    """Add SSIM of a row of windows to ``total``; with ``luminance`` 0 contrast and structure only."""
    if luminance > 0.0:
        for j in range(len(total)):
            both = mean[j] * fused_mean[j]
            above = (2.0 * (covariance[j] - both) + contrast) * (2.0 * both + luminance)
            squares = mean[j] * mean[j] + fused_mean[j] * fused_mean[j] + luminance
            total[j] += above / ((variance[j] + fused_variance[j] + contrast) * squares)
    else:
        for j in range(len(total)):
            above = 2.0 * (covariance[j] - mean[j] * fused_mean[j]) + contrast
            total[j] += above / (variance[j] + fused_variance[j] + contrast)


@compiled
def similarity(
    fused: np.ndarray, mean: np.ndarray, variance: np.ndarray, source: np.ndarray, source_mean: np.ndarray,
    source_variance: np.ndarray, weights: np.ndarray, luminance: float, contrast: float,
) -> float:  # fmt: skip
    """Return the sum of SSIM of two images over the windows; with ``luminance`` 0 of contrast and structure only."""
    height, width = mean.shape
    down, latest = np.empty(fused.shape[1]), np.empty((len(weights), fused.shape[1]))
    with_source, total = np.empty(width), np.zeros(width)
    for i in range(height):
        product_row(with_source, down, latest, fused, source, i, weights)
        similarity_row(
            total, with_source, source_mean[i], source_variance[i], mean[i], variance[i], luminance, contrast
        )
    return total.sum()


@compiled
def gain_row(
    gain: np.ndarray, over: np.ndarray, under: np.ndarray, covariance: np.ndarray, mean: np.ndarray,
    variance: np.ndarray, fused_mean: np.ndarray, fused_variance: np.ndarray, noise: float,
) -> None:  # fmt: skip
    """Compute g (0 where the source is flat), and numerator and denominator of 1 + g^2 v_S / (r + n), in place."""
    for j in range(len(gain)):
        cov = covariance[j] - mean[j] * fused_mean[j]
        g = cov / (variance[j] + FLAT)
        g = g if g > 0.0 and fused_variance[j] > 0.0 else 0.0
        rest = fused_variance[j] - g * cov
        rest = (rest if rest > FLAT else FLAT) + noise
        gain[j] = g if variance[j] > 0.0 else 0.0
        over[j] = gain[j] * gain[j] * variance[j] + rest
        under[j] = rest


@compiled
def follow_less(
    fused: np.ndarray, a: np.ndarray, mean_a: np.ndarray, variance_a: np.ndarray,
    b: np.ndarray, mean_b: np.ndarray, variance_b: np.ndarray, weights: np.ndarray, noise: float,
) -> tuple[float, float]:  # fmt: skip
    """Return the sums in numerator and denominator of VIFF at one scale, in nats."""
    height, width = mean_a.shape
    down, latest = np.empty(fused.shape[1]), np.empty((3, len(weights), fused.shape[1]))
    rows = np.empty((10, width))
    mean, variance, with_a, with_b = rows[0], rows[1], rows[2], rows[3]
    over, under, present = np.ones(width), np.ones(width), np.ones(width)
    kept_sum, present_sum = 0.0, 0.0
    for i in range(height):
        mean_row(mean, down, fused, i, weights)
        product_row(variance, down, latest[0], fused, fused, i, weights)
        product_row(with_a, down, latest[1], fused, a, i, weights)
        product_row(with_b, down, latest[2], fused, b, i, weights)
        for j in range(width):
            raw = variance[j] - mean[j] * mean[j]
            variance[j] = raw if raw >= FLAT else 0.0
        gain_row(rows[4], rows[5], rows[6], with_a, mean_a[i], variance_a[i], mean, variance, noise)
        gain_row(rows[7], rows[8], rows[9], with_b, mean_b[i], variance_b[i], mean, variance, noise)
        for j in range(width):
            less = rows[4, j] < rows[7, j]
            over[j] *= rows[5, j] if less else rows[8, j]
            under[j] *= rows[6, j] if less else rows[9, j]
            present[j] *= 1.0 + (variance_a[i, j] if less else variance_b[i, j]) / noise
        if i % TOGETHER == TOGETHER - 1 or i == height - 1:
            kept_sum += log_sum(over) - log_sum(under)
            present_sum += log_sum(present)
    return kept_sum, present_sum
