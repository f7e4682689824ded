"""FMI in 3x3 windows, a row of windows at a time; `fusionbench.metrics.formulas.fmi` has the equations.

Sums are added in the order of the torch version and with the same rounding: for windows with nearly equal features the
last digit decides whether they count as equal (1) or as sharing nothing (0).
"""

from __future__ import annotations

import math

import numpy as np

from fusionbench.metrics.compiled.jit import compiled_exactly, logarithms

# the pixels of a window, column by column as in MATLAB
STATES = 9


@compiled_exactly
def window_row(
    image: np.ndarray, top: int, stretched: np.ndarray, chances: np.ndarray, cumulated: np.ndarray,
    deviation: np.ndarray, entropy: np.ndarray,
) -> None:  # fmt: skip
    """Compute, in place, the quantities [9, n] and [n] of each window whose upper row is ``top``."""
    n = stretched.shape[1]
    for j in range(n):
        low, high = image[top, j], image[top, j]
        for k in range(1, STATES):
            x = image[top + k % 3, j + k // 3]
            low, high = min(low, x), max(high, x)
        total = 0.0
        for k in range(STATES):
            x = image[top + k % 3, j + k // 3]
            stretched[k, j] = 1.0 if high == low else (x - low) / (high - low)
            total += stretched[k, j]
        mean, square, so_far = 0.0, 0.0, 0.0
        for k in range(STATES):
            chance = stretched[k, j] / total
            chances[k, j] = chance
            so_far += chance
            cumulated[k, j] = so_far
            mean += (k + 1) * chance
            square += (k + 1) ** 2 * chance
        deviation[j] = math.sqrt(max(square - mean * mean, 0.0))
        entropy[j] = 0.0
    subtract_entropy_terms(entropy, chances)


@compiled_exactly
def subtract_entropy_terms(entropy: np.ndarray, chances: np.ndarray) -> None:
    """Add -p log p of each row of probabilities [k, n] to ``entropy``."""
    n = len(entropy)
    logs, scratch = np.empty(n), np.empty(n)
    for k in range(len(chances)):
        for j in range(n):
            logs[j] = chances[k, j] if chances[k, j] > 0.0 else 1.0
        logarithms(logs, logs.view(np.int64), scratch)
        for j in range(n):
            entropy[j] -= chances[k, j] * logs[j]


@compiled_exactly
def correlation_row(correlations: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Compute Pearson's correlation of the probabilities of two images, 0 where their covariance is 0, in place."""
    for j in range(len(correlations)):
        total_x, total_y = 0.0, 0.0
        for k in range(STATES):
            total_x += x[k, j]
            total_y += y[k, j]
        mean_x, mean_y = total_x / STATES, total_y / STATES
        both, square_x, square_y = 0.0, 0.0, 0.0
        for k in range(STATES):
            dx, dy = x[k, j] - mean_x, y[k, j] - mean_y
            both += dx * dy
            square_x += dx * dx
            square_y += dy * dy
        correlations[j] = 0.0 if both == 0.0 else both / math.sqrt(square_x * square_y)


@compiled_exactly
def bound(correlation: float, x: float, y: float) -> float:
    """Return the Frechet bound of a joint cumulated probability: the upper for correlations from 0 on, else the lower."""
    upper, lower = min(x, y), max(x + y - 1.0, 0.0)
    return upper if correlation >= 0.0 else lower


@compiled_exactly
def mixture_row(
    mixture: np.ndarray, correlation: np.ndarray, source: np.ndarray, fused: np.ndarray,
    source_deviation: np.ndarray, fused_deviation: np.ndarray,
) -> None:  # fmt: skip
    """Compute the share of the Frechet bound in the joint probabilities from cumulated probabilities [9, n], in place."""
    n = len(mixture)
    covariance = np.zeros(n)
    for row in range(STATES):
        for column in range(STATES):
            x, y = fused[row], source[column]
            for j in range(n):
                covariance[j] += bound(correlation[j], x[j], y[j]) - x[j] * y[j]
    for j in range(n):
        deviations = source_deviation[j] * fused_deviation[j]
        related = correlation[j] != 0.0 and deviations != 0.0
        mixture[j] = correlation[j] * deviations / covariance[j] if related else 0.0


@compiled_exactly
def joint_entropy_row(
    entropy: np.ndarray, mixture: np.ndarray, correlation: np.ndarray,
    source_chances: np.ndarray, source: np.ndarray, fused_chances: np.ndarray, fused: np.ndarray,
) -> None:  # fmt: skip
    """Compute the entropy of the 81 joint probabilities, in place; negative ones enter the logarithm by absolute value."""
    n = len(entropy)
    above, left = np.zeros((STATES, n)), np.empty(n)
    joint, logs, scratch = np.empty(n), np.empty(n), np.empty(n)
    entropy[:] = 0.0
    for row in range(STATES):
        left[:] = 0.0
        for column in range(STATES):
            x, y, p, q, upper = (
                fused[row],
                source[column],
                fused_chances[row],
                source_chances[column],
                above[column],
            )
            for j in range(n):
                here = bound(correlation[j], x[j], y[j])
                step = here - upper[j]
                chance = (p[j] * q[j]) * (1.0 - mixture[j]) + mixture[j] * (step - left[j])
                upper[j], left[j], joint[j] = here, step, chance
                logs[j] = abs(chance) if chance != 0.0 else 1.0
            logarithms(logs, logs.view(np.int64), scratch)
            for j in range(n):
                entropy[j] -= joint[j] * logs[j]


@compiled_exactly
def add_shared_row(
    total: np.ndarray, equal: np.ndarray,
    source_chances: np.ndarray, source: np.ndarray, source_deviation: np.ndarray, source_entropy: np.ndarray,
    fused_chances: np.ndarray, fused: np.ndarray, fused_deviation: np.ndarray, fused_entropy: np.ndarray,
) -> None:  # fmt: skip
    """Add 2 I / (H + H) of each pair of windows to ``total``; 1 for equal windows."""
    n = len(total)
    correlation, mixture, joint = np.empty(n), np.empty(n), np.empty(n)
    correlation_row(correlation, source_chances, fused_chances)
    mixture_row(mixture, correlation, source, fused, source_deviation, fused_deviation)
    joint_entropy_row(joint, mixture, correlation, source_chances, source, fused_chances, fused)
    for j in range(n):
        entropies = source_entropy[j] + fused_entropy[j]
        information = entropies - joint[j]
        shared = 0.0 if information == 0.0 else 2.0 * information / entropies
        total[j] += 1.0 if equal[j] else shared


@compiled_exactly
def equal_row(equal: np.ndarray, image: np.ndarray, other: np.ndarray, top: int) -> None:
    """Compute which windows of two images have equal features, in place."""
    for j in range(len(equal)):
        same = True
        for k in range(STATES):
            same &= image[top + k % 3, j + k // 3] == other[top + k % 3, j + k // 3]
        equal[j] = same


@compiled_exactly
def feature_information(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    """Return the sum of 2 I / (H + H) over all windows and both sources, of feature maps [H, W]."""
    n = a.shape[1] - 2
    windows = np.empty((3, 3, STATES, n))  # image, kind (stretched, chances, cumulated), state, place
    about = np.empty((3, 2, n))  # image, kind (deviation, entropy), place
    equal = np.empty(n, np.bool_)
    totals = np.zeros((2, n))  # one per source, so that swapping the sources changes no digit
    for top in range(a.shape[0] - 2):
        for k, image in enumerate((a, b, fused)):
            window_row(image, top, windows[k, 0], windows[k, 1], windows[k, 2], about[k, 0], about[k, 1])
        for k, image in enumerate((a, b)):
            equal_row(equal, image, fused, top)
            add_shared_row(
                totals[k], equal, windows[k, 1], windows[k, 2], about[k, 0], about[k, 1],
                windows[2, 1], windows[2, 2], about[2, 0], about[2, 1],
            )  # fmt: skip
    return totals[0].sum() + totals[1].sum()
