"""Confidence intervals of mean scores over images by the studentized bootstrap."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy import ndarray

FEWEST = 8  # fewer values have too few distinct resamples
BLOCK = 1_000_000  # counts of resampled images in memory at once


def mean_interval(
    values: ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the bounds of the confidence interval of the mean of ``values`` [images]; see `mean_intervals`."""
    low, high = mean_intervals(np.asarray(values, dtype=np.float64)[None], level, resamples, seed)
    return float(low[0]), float(high[0])


def mean_intervals(
    values: ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[ndarray, ndarray]:
    """Return the lower and the upper bounds of intervals of the means of ``values`` [..., images], each [...].

    Studentized bootstrap (Hall 1988, doi 10.1214/aos/1176350933): images are drawn with replacement, and quantiles of
    the resamples' t statistics replace Student's. For skewed scores its coverage is closer to the level than that of
    percentile and BCa intervals, which are too short.

    The result does not depend on the order of the images. Both bounds are NaN for fewer than two values or if one is NaN,
    and equal if all values are equal. Student's t interval is returned for fewer than 8 values, for a ``level`` whose
    tails have less than one resample, and if more than a quarter of a tail could consist of resamples with a single
    distinct value, which have no t statistic. Raises ValueError for a ``level`` outside of (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"The level of an interval is {level}: choose one between 0 and 1, such as 0.95.")
    values = np.asarray(values, dtype=np.float64)
    shape = values.shape[:-1]
    ends = np.full((2, int(np.prod(shape))), np.nan)
    if values.shape[-1] > 1:
        # sorted, so that sums, and thereby digits, do not depend on the order of the images
        rows = np.sort(values.reshape(-1, values.shape[-1]), axis=1)
        known = np.isfinite(rows).all(axis=1)
        ends[:, known] = _ends(rows[known], level, resamples, seed)
    return ends[0].reshape(shape), ends[1].reshape(shape)


def _ends(rows: ndarray, level: float, resamples: int, seed: int) -> ndarray:
    """Return both bounds, [2, rows], for sorted finite values [rows, images]."""
    count = rows.shape[1]
    # the deviation of tiny differences can underflow to 0
    varied = (rows[:, 0] < rows[:, -1]) & (rows.std(axis=1) > 0)
    # both bounds of rows of equal values are that value
    ends = np.stack([rows[:, 0], rows[:, 0]])
    if not varied.any():
        return ends
    means = rows[varied].mean(axis=1)
    errors = rows[varied].std(axis=1, ddof=1) / np.sqrt(count)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    quantiles = np.repeat(_student(count, tails)[:, None], len(means), axis=1)
    if count >= FEWEST and tails[0] * (resamples + 1) >= 1:
        quantiles = _studentized(
            # standardized values, whose sums of squares lose no digits to the mean
            (rows[varied] - means[:, None]) / errors[:, None],
            tails,
            resamples,
            seed,
            quantiles,
        )
    # reversed, because the upper quantile of t gives the lower bound of the mean
    ends[:, varied] = means - errors * quantiles[::-1]
    return ends


def _student(count: int, tails: ndarray) -> ndarray:
    from scipy.special import stdtrit

    return stdtrit(count - 1, tails)


def _studentized(scaled: ndarray, tails: ndarray, resamples: int, seed: int, otherwise: ndarray) -> ndarray:
    """Return quantiles, [2, rows], of the t statistics of resamples of values with mean 0, [rows, images].

    ``otherwise`` is returned for rows in which too many resamples have no t statistic.
    """
    statistics = np.sort(_resampled_t(scaled, resamples, seed), axis=1)  # NaN last
    valid = np.isfinite(statistics).sum(axis=1)
    # the k-th of B sorted draws is the quantile k / (B + 1)
    at = np.clip(tails[:, None] * (valid + 1) - 1, 0, np.maximum(valid - 1, 0))
    below = np.floor(at).astype(int)
    rows = np.arange(len(scaled))
    low, high = statistics[rows, below], statistics[rows, np.minimum(below + 1, statistics.shape[1] - 1)]
    enough = resamples - valid <= resamples * tails[0] / 4
    return np.where(enough, low + (at - below) * (high - low), otherwise)


def _resampled_t(scaled: ndarray, resamples: int, seed: int) -> ndarray:
    """Return the t statistics, [rows, resamples], NaN for a resample with a single distinct value."""
    count = scaled.shape[1]
    # in blocks, because the counts of all resamples may not fit into memory
    size = max(1, BLOCK // count)
    blocks = []
    for number, start in enumerate(range(0, resamples, size)):
        drawn = _counts(count, min(size, resamples - start), seed, number).astype(np.float64).T
        means, squares = scaled @ drawn / count, scaled**2 @ drawn / count
        variance = (squares - means**2) * count / (count - 1)
        # where the variance is zero, rounding leaves about 1e-16 of the squares
        variance[variance <= 1e-12 * squares] = np.nan
        blocks.append(means / np.sqrt(variance / count))
    return np.concatenate(blocks, axis=1)


@lru_cache(maxsize=16)  # blocks of up to 2 MB: those of 2,000 resamples of 8,000 images
def _counts(images: int, resamples: int, seed: int, block: int) -> ndarray:
    """Return how often each image is drawn, uint16 [resamples, images]; cached, because all metrics use the same draws."""
    drawn = np.random.default_rng([seed, block]).integers(0, images, (resamples, images))
    drawn += images * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * images)
    # uint16 is a quarter of int64, and large enough for sets of up to 65,535 images
    return counts.reshape(resamples, images).astype(np.uint16)
