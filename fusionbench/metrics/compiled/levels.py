"""Counts and sums over 8-bit levels [H, W]; sums of integers are exact."""

from __future__ import annotations

import math

import numpy as np

from fusionbench.metrics.compiled.jit import compiled


@compiled
def histogram(x: np.ndarray) -> np.ndarray:
    """Return the number of pixels of each level, int64 [256].

    Four histograms are filled in turn: with one, pixels of equal level would wait for each other's update in memory.
    """
    counts = np.zeros((4, 256), np.int64)
    flat = x.ravel()
    for i in range(len(flat)):
        counts[i & 3, flat[i]] += 1
    return counts.sum(0)


@compiled
def joint_histogram(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the number of pixels of each pair of levels, int32 [256 of y, 256 of x]."""
    counts = np.zeros((256, 256), np.int32)  # the half of int64 fits better into the processor's cache
    first, second = x.ravel(), y.ravel()
    for i in range(len(first)):
        counts[second[i], first[i]] += 1
    return counts


@compiled
def dot(x: np.ndarray, y: np.ndarray) -> np.int64:
    """Return the sum of the products of two images' levels."""
    total = np.int64(0)
    first, second = x.ravel(), y.ravel()
    for i in range(len(first)):
        total += np.int64(first[i]) * np.int64(second[i])
    return total


@compiled
def squared_differences(x: np.ndarray) -> tuple[np.int64, np.int64]:
    """Return the sums of squared differences of horizontal and of vertical neighbours."""
    across, down = np.int64(0), np.int64(0)
    for i in range(x.shape[0]):
        row = x[i]
        for j in range(1, len(row)):
            step = np.int64(row[j]) - np.int64(row[j - 1])
            across += step * step
        if i > 0:
            above = x[i - 1]
            for j in range(len(row)):
                step = np.int64(row[j]) - np.int64(above[j])
                down += step * step
    return across, down


@compiled
def slopes(x: np.ndarray) -> float:
    """Return sum(sqrt((gx^2 + gy^2) / 2)) of AG, with central differences, one-sided at the border."""
    height, width = x.shape
    # one sum per column, so that a row's additions do not depend on each other and can be vectorised
    total = np.zeros(width)
    for i in range(height):
        above, row, below = x[max(i - 1, 0)], x[i], x[min(i + 1, height - 1)]
        rise = 0.5 if 0 < i < height - 1 else 1.0
        for j in range(1, width - 1):
            gx = 0.5 * (np.float64(row[j + 1]) - np.float64(row[j - 1]))
            gy = rise * (np.float64(below[j]) - np.float64(above[j]))
            total[j] += math.sqrt((gx * gx + gy * gy) * 0.5)
        for j, step in (
            (0, np.float64(row[1]) - np.float64(row[0])),
            (width - 1, np.float64(row[width - 1]) - np.float64(row[width - 2])),
        ):
            gy = rise * (np.float64(below[j]) - np.float64(above[j]))
            total[j] += math.sqrt((step * step + gy * gy) * 0.5)
    return total.sum()
