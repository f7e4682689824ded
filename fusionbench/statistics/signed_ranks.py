"""Wilcoxon's signed-rank test of many pairs of methods at once; zero differences are ranked, then dropped (Pratt 1959)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy import ndarray

EXACT = 50  # images up to which the exact distribution of the rank sum is used
TOGETHER = 2**20  # differences ranked at once, which bounds the memory


def signed_ranks(values: ndarray, first: ndarray, second: ndarray) -> ndarray:
    """Return the two-sided p, [pairs], of the scores ``values[first]`` against ``values[second]`` of [methods, images].

    p is 1 if all scores of a pair are equal. Up to 50 images it is exact, also with ties and zeros; above that it is the
    normal approximation with correction for ties and without one for continuity.
    """
    step = max(1, TOGETHER // max(1, values.shape[1]))
    parts = [
        _tested(values[first[start : start + step]] - values[second[start : start + step]])
        for start in range(0, len(first), step)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def ranks_and_ties(values: ndarray) -> tuple[ndarray, ndarray]:
    """Return the ranks within each row, 1 = smallest, averaged over ties, and the size of the tie at each place."""
    order = np.argsort(values, axis=1)
    in_order = np.take_along_axis(values, order, axis=1)
    places = np.arange(values.shape[1])
    begins = np.ones(values.shape, dtype=bool)
    begins[:, 1:] = in_order[:, 1:] != in_order[:, :-1]
    ends = np.ones(values.shape, dtype=bool)
    ends[:, :-1] = begins[:, 1:]
    start = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    last = np.where(ends, places, values.shape[1])
    end = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks, tied = np.empty(values.shape), np.empty(values.shape)
    np.put_along_axis(ranks, order, (start + end) / 2 + 1, axis=1)
    np.put_along_axis(tied, order, end - start + 1.0, axis=1)
    return ranks, tied


def _tested(gaps: ndarray) -> ndarray:
    ranks, tied = ranks_and_ties(np.abs(gaps))
    test = _exact if gaps.shape[1] <= EXACT else _approximate
    # if all differences are 0, no rank is left and the standard deviation would be 0
    return np.where(gaps.any(axis=1), test(gaps, ranks, tied), 1.0)


def _approximate(gaps: ndarray, ranks: ndarray, tied: ndarray) -> ndarray:
    from scipy.special import ndtr

    images, zeros = gaps.shape[1], (gaps == 0).sum(axis=1)
    positive = np.where(gaps > 0, ranks, 0.0).sum(axis=1)
    mean = (images * (images + 1) - zeros * (zeros + 1)) / 4
    squares = images * (images + 1) * (2 * images + 1) - zeros * (zeros + 1) * (2 * zeros + 1)
    ties = np.where(gaps != 0, tied**2 - 1, 0.0).sum(axis=1)  # t^3 - t for each group of t ties
    spread = np.sqrt((squares - ties / 2) / 24)
    z = np.divide(positive - mean, spread, out=np.zeros(len(gaps)), where=spread > 0)
    return 2 * ndtr(-np.abs(z))


def _exact(gaps: ndarray, ranks: ndarray, tied: ndarray) -> ndarray:
    """Return p from the distribution of the rank sum when every sign is random, given the ranks.

    SciPy's exact distribution is valid without ties only.
    """
    steps = np.rint(2 * ranks).astype(int)  # doubled, because averaged ranks are multiples of a half
    p_values = np.empty(len(gaps))
    for pair, (row, gap) in enumerate(zip(steps, gaps, strict=True)):
        lower, upper = _tails(tuple(np.sort(row[gap != 0]).tolist()))
        positive = int(row[gap > 0].sum())
        p_values[pair] = min(1.0, 2 * min(lower[positive], upper[positive]))
    return p_values


@lru_cache(maxsize=256)
def _tails(steps: tuple[int, ...]) -> tuple[ndarray, ndarray]:
    """Return the probabilities that the sum of randomly chosen steps is at most, and at least, each number.

    They are cached, because without ties the steps are the same for all pairs of methods.
    """
    chances = np.zeros(sum(steps) + 1)
    chances[0] = 1.0
    reached = 1
    # each rank is in the sum or not, with probability 1/2: the distribution is convolved with (1 + x^step) / 2
    for step in steps:
        taken = chances[:reached] / 2
        chances[:reached] = taken
        chances[step : step + reached] += taken
        reached += step
    # sums of probabilities exceed 1 by rounding
    return np.minimum(chances.cumsum(), 1.0), np.minimum(chances[::-1].cumsum()[::-1], 1.0)
