"""MEF-SSIM at one scale; `fusionbench.metrics.formulas.exposure` has the equations and explains the constants."""

from __future__ import annotations

import math

import numpy as np

from fusionbench.metrics.compiled.jit import compiled, exponentials, logarithms
from fusionbench.metrics.compiled.rows import mean_row, product_row

SIDE = 11
PIXELS = SIDE**2
CONTRAST = (0.03 * 255) ** 2
EPS = 2.0**-52
STEADY = 0.001
STEEPEST = 10.0


@compiled
def powers(x: np.ndarray, power: np.ndarray, scratch: np.ndarray, whole: np.ndarray) -> None:
    """Compute x^power of two rows in place; x is positive."""
    logarithms(x, x.view(np.int64), scratch)
    for j in range(len(x)):
        x[j] *= power[j]
    exponentials(x, whole, x.view(np.int64))


@compiled
def share_rows(
    energy_a: np.ndarray, energy_b: np.ndarray, product: np.ndarray, share_a: np.ndarray, share_b: np.ndarray,
    power: np.ndarray, scratch: np.ndarray, whole: np.ndarray,
) -> None:  # fmt: skip
    """Compute the factors of both sources in the desired patch of each window of a row, in place."""
    for j in range(len(power)):
        norm_a, norm_b = math.sqrt(energy_a[j]), math.sqrt(energy_b[j])
        together = math.sqrt(max(energy_a[j] + energy_b[j] + 2.0 * product[j], 0.0))
        consistency = min((together + EPS) / (norm_a + norm_b + EPS), 1.0 - EPS)
        power[j] = min(math.tan(math.pi / 2 * consistency), STEEPEST)
        share_a[j], share_b[j] = (norm_a + STEADY) / SIDE, (norm_b + STEADY) / SIDE
    powers(share_a, power, scratch, whole)
    powers(share_b, power, scratch, whole)
    for j in range(len(power)):
        strength_a, strength_b = math.sqrt(energy_a[j]) + STEADY, math.sqrt(energy_b[j]) + STEADY
        weight_a, weight_b = share_a[j] + EPS, share_b[j] + EPS
        part_a = weight_a / (weight_a + weight_b) / strength_a
        part_b = weight_b / (weight_a + weight_b) / strength_b
        square = (
            part_a * part_a * energy_a[j] + part_b * part_b * energy_b[j] + 2.0 * part_a * part_b * product[j]
        )
        norm = math.sqrt(max(square, 0.0))
        scale = max(strength_a, strength_b) / norm if norm > 0.0 else 0.0
        share_a[j], share_b[j] = part_a * scale, part_b * scale


@compiled
def quality(a: np.ndarray, b: np.ndarray, fused: np.ndarray, weights: np.ndarray) -> float:
    """Return the sum of the quality over all windows; ``weights`` are the 11 weights of the Gaussian."""
    height, width = a.shape[0] - SIDE + 1, a.shape[1] - SIDE + 1
    ones, down = np.ones(SIDE), np.empty(a.shape[1])
    sums = np.empty((5, width))  # sums over the window of a, b, a^2, b^2 and a b
    means = np.empty((9, width))  # Gaussian means of a, b, fused and of all their products
    share_a, share_b, power, scratch = np.empty(width), np.empty(width), np.empty(width), np.empty(width)
    whole, total = np.empty(width, np.int64), np.zeros(width)
    # the last 11 rows of a^2, b^2, fused^2, a b, a fused and b fused
    latest = np.empty((6, SIDE, a.shape[1]))
    for i in range(height):
        for k, (x, y) in enumerate(((a, a), (b, b), (fused, fused), (a, b), (a, fused), (b, fused))):
            product_row(means[3 + k], down, latest[k], x, y, i, weights)
        for k, x in enumerate((a, b, fused)):
            mean_row(means[k], down, x, i, weights)
        for k, rows in enumerate((a, b, latest[0], latest[1], latest[3])):
            mean_row(sums[k], down, rows, i, ones)
        for j in range(width):
            sum_a, sum_b = sums[0, j], sums[1, j]
            sums[2, j] = (PIXELS * sums[2, j] - sum_a * sum_a) / PIXELS
            sums[3, j] = (PIXELS * sums[3, j] - sum_b * sum_b) / PIXELS
            sums[4, j] = (PIXELS * sums[4, j] - sum_a * sum_b) / PIXELS
        share_rows(sums[2], sums[3], sums[4], share_a, share_b, power, scratch, whole)
        for j in range(width):
            p, q = share_a[j], share_b[j]
            x, y, f = means[0, j], means[1, j], means[2, j]
            desired = p * p * (means[3, j] - x * x) + q * q * (means[4, j] - y * y)
            desired += (means[6, j] - x * y) * (2.0 * p * q)
            common = p * (means[7, j] - x * f) + q * (means[8, j] - y * f)
            total[j] += (2.0 * common + CONTRAST) / (desired + (means[5, j] - f * f) + CONTRAST)
    return total.sum()
