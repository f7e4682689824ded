"""Paired tests between methods: Wilcoxon's signed-rank test with Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy import ndarray

from fusionbench.statistics.paired import complete
from fusionbench.statistics.signed_ranks import ranks_and_ties, signed_ranks


@dataclass(frozen=True)
class AgainstBest:
    """Tests of every method against the one with the best mean.

    ``p`` are Holm-corrected, NaN for the best and for methods that are not compared. ``not_worse`` is True for the best
    and for methods that are not significantly worse.
    """

    best: int | None
    p: tuple[float, ...]
    not_worse: tuple[bool, ...]


def not_worse(values: ndarray, better: str, level: float = 0.05) -> list[bool]:
    """Return, for each method of ``values`` [methods, images], whether it is the best or not significantly worse.

    See `against_best`.
    """
    return list(against_best(values, better, level).not_worse)


def against_best(values: ndarray, better: str, level: float = 0.05) -> AgainstBest:
    """Return the tests of each method against the one with the best mean, paired over the images.

    Wilcoxon's signed-rank test, two-sided, with Holm's correction over all pairs of methods (doi 10.2307/3001968,
    10.2307/4615733). The correction is over all pairs, because the best is chosen by the same scores: corrected only for
    the tests against it, every sixth table of ten equal methods would call one of them worse. A method is worse if its p
    is below ``level`` and its ranks point in that direction. A method with a NaN on an image that others have a score on is
    not compared, and so never "not worse".
    """
    methods, images = complete(values)
    rows = np.flatnonzero(methods)
    p = np.full(len(values), np.nan)
    fine = np.zeros(len(values), dtype=bool)
    if not len(rows):
        return AgainstBest(None, tuple(p.tolist()), tuple(fine.tolist()))
    signed = values[:, images] * (1 if better == "higher" else -1)
    best = int(rows[np.argmax(signed[rows].mean(axis=1))])
    others = rows[rows != best]
    p[others] = all_pairs(values)[best, others]
    ahead = leads(signed[best], signed[others])
    fine[best] = True
    fine[others] = ~((p[others] < level) & ahead)
    return AgainstBest(best, tuple(p.tolist()), tuple(fine.tolist()))


def all_pairs(values: ndarray) -> ndarray:
    """Return Holm-corrected p, [methods, methods], of all pairs of methods of ``values`` [methods, images], cached.

    It is 1 on the diagonal and NaN for methods that are not compared, see `complete`.
    """
    scores = np.ascontiguousarray(values, dtype=np.float64)
    # a copy, so that callers cannot change the cached array
    return _all_pairs(scores.tobytes(), scores.shape).copy()


@lru_cache(maxsize=64)
def _all_pairs(scores: bytes, shape: tuple[int, int]) -> ndarray:
    """Return the result of `all_pairs` for scores in the form of bytes, which can be the key of a cache."""
    values = np.frombuffer(scores).reshape(shape)
    methods, images = complete(values)
    rows = np.flatnonzero(methods)
    p_values = np.full((len(values), len(values)), np.nan)
    p_values[rows, rows] = 1.0
    first, second = (rows[of_pair] for of_pair in np.triu_indices(len(rows), 1))
    p_values[first, second] = p_values[second, first] = holm(signed_ranks(values[:, images], first, second))
    return p_values


def smallest_p(methods: int, images: int) -> float:
    """Return the smallest Holm-corrected p that scores of this number of methods and images can have.

    If all differences have one sign, two of 2^n equally likely outcomes are as extreme; the first step of the correction
    multiplies by the number of pairs of methods.
    """
    pairs = methods * (methods - 1) // 2
    return min(1.0, pairs * 2.0 ** (1 - images))


def signed_rank(x: ndarray, y: ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test of paired scores, see `signed_ranks`."""
    both = np.array([x, y], dtype=np.float64)
    return float(signed_ranks(both, np.array([0]), np.array([1]))[0])


def leads(x: ndarray, y: ndarray) -> ndarray:
    """Return whether the signed ranks of paired scores favour larger ``x``, for each row of ``y``, bool [rows]."""
    gaps = np.atleast_2d(np.asarray(x, dtype=np.float64) - np.asarray(y, dtype=np.float64))
    return (np.sign(gaps) * ranks_and_ties(np.abs(gaps))[0]).sum(axis=1) > 0


def holm(p: Sequence[float] | ndarray) -> ndarray:
    """Return p-values corrected for their number by Holm's step-down procedure (doi 10.2307/4615733)."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected
