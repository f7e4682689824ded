"""Confidence intervals of a mean score over images, by the studentized bootstrap."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy import ndarray

FEWEST = 8  # fewer values have too few distinct resamples for a bootstrap
BLOCK = 1_000_000  # counts of resampled values in memory at once


def mean_interval(
    values: ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the confidence interval of the mean of ``values`` [images]; see `mean_intervals`."""
    low, high = mean_intervals(np.asarray(values, dtype=np.float64)[None], level, resamples, seed)
    return float(low[0]), float(high[0])


def mean_intervals(
    values: ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[ndarray, ndarray]:
    """Return low and high ends of the intervals of the means of ``values`` [..., images], each of shape [...].

    Studentized bootstrap (Efron 1979, doi 10.1214/aos/1176344552; Hall 1988, doi 10.1214/aos/1176350933): images
    are drawn with replacement, and the quantiles of the resampled t statistics take the place of Student's. On
    skewed scores it keeps its level where percentile and BCa intervals are too short.

    The order of the images does not matter. Both ends are NaN for fewer than two values or where one is NaN, and
    equal where all values are. Student's t interval is returned for fewer than 8 values, and where more than a
    quarter of a tail's share of the resamples hold one value only, so that they have no t statistic. Raises
    ValueError where ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"The level of an interval must lie between 0 and 1, not at {level}.")
    values = np.asarray(values, dtype=np.float64)
    flat = np.sort(values.reshape(-1, values.shape[-1]), axis=1)  # no digit depends on the images' order
    low, high = np.full((2, len(flat)), np.nan)
    if flat.shape[1] > 1:
        known = np.isfinite(flat).all(axis=1)
        low[known], high[known] = _intervals(flat[known], level, resamples, seed)
    return low.reshape(values.shape[:-1]), high.reshape(values.shape[:-1])


def _intervals(values: ndarray, level: float, resamples: int, seed: int) -> tuple[ndarray, ndarray]:
    """The ends for finite, sorted values [rows, images]."""
    count = values.shape[1]
    means, errors = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(count)
    equal = values[:, 0] == values[:, -1]
    means[equal], errors[equal] = values[equal, 0], 0.0
    lower, upper = _student(count, level) * np.ones((len(values), 1)).T
    if count >= FEWEST:
        tails = 50 * (1 - level), 50 * (1 + level)
        for row in np.flatnonzero(~equal):
            found = _quantiles(values[row], resamples, seed, tails)
            lower[row], upper[row] = found if found is not None else (lower[row], upper[row])
    return means - upper * errors, means - lower * errors
