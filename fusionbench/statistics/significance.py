"""Paired tests between methods: Wilcoxon's signed-rank test with Holm's correction."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy import ndarray

from fusionbench.statistics.paired import complete

EXACT = 50  # up to so many images the distribution of the rank sum is exact


@dataclass(frozen=True)
class AgainstBest:
    """Every method against the best by mean; ``p`` are Holm-corrected, NaN for the best and what is not compared.

    ``not_worse`` is True for the best and for those that are not significantly worse.
    """

    best: int | None
    p: tuple[float, ...]
    not_worse: tuple[bool, ...]


def not_worse(values: ndarray, better: str, level: float = 0.05) -> list[bool]:
    """Tell of each method of ``values`` [methods, images] whether it is the best or not significantly worse.

    See `against_best`, whose answer this is.
    """
    return list(against_best(values, better, level).not_worse)


def against_best(values: ndarray, better: str, level: float = 0.05) -> AgainstBest:
    """Test each method against the best by mean, paired over the images.

    Wilcoxon's signed-rank test, two-sided, with Holm's correction over all pairs of methods (doi 10.2307/3001968,
    10.2307/4615733): the best is chosen by the same scores, and a correction over the tests against it alone would
    let every sixth table of ten equal methods call one of them worse. A method is worse where its p is below
    ``level`` and its ranks point that way. A method with a NaN on an image that others have a score on is not
    compared, and so never "not worse".
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
    ahead = np.array([leads(signed[best], signed[i]) for i in others], dtype=bool)
    fine[best] = True
    fine[others] = ~((p[others] < level) & ahead)
    return AgainstBest(best, tuple(p.tolist()), tuple(fine.tolist()))


def all_pairs(values: ndarray) -> ndarray:
    """Return Holm-corrected p [methods, methods] of all pairs of methods of ``values`` [methods, images].

    The correction is over all pairs. 1 on the diagonal, NaN for methods that are not compared (see `complete`).
    """
    methods, images = complete(values)
    rows = np.flatnonzero(methods)
    found = np.full((len(values), len(values)), np.nan)
    found[rows, rows] = 1.0
    pairs = list(combinations(rows.tolist(), 2))
    kept = values[:, images]
    for (i, j), p in zip(pairs, holm([signed_rank(kept[i], kept[j]) for i, j in pairs]), strict=True):
        found[i, j] = found[j, i] = p
    return found


def smallest_p(methods: int, images: int) -> float:
    """Return the smallest Holm-corrected p that any scores of so many methods on so many images can have.

    Where all differences have one sign, two of the 2^n equally likely outcomes are as extreme; the first step of the
    correction multiplies by the number of pairs of methods.
    """
    pairs = methods * (methods - 1) // 2
    return min(1.0, pairs * 2.0 ** (1 - images))


def signed_rank(x: ndarray, y: ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test of paired scores.

    Equal pairs are ranked and then dropped (Pratt 1959, doi 10.1080/01621459.1959.10501526), so that they do not
    make the rest look clearer; p is 1 where all are equal. Up to 50 images p is exact, with ties and zeros too;
    beyond, the normal approximation with correction for ties and none for continuity.
    """
    gaps = np.asarray(x, dtype=np.float64) - np.asarray(y, dtype=np.float64)
    if not gaps.any():  # no rank is left, and scipy would divide by a spread of zero
        return 1.0
    from scipy.stats import rankdata, wilcoxon

    if len(gaps) <= EXACT:
        return _exact(rankdata(np.abs(gaps)), gaps)
    return float(wilcoxon(gaps, zero_method="pratt", correction=False, method="asymptotic").pvalue)


def leads(x: ndarray, y: ndarray) -> bool:
    """Tell whether the signed ranks of paired scores are in favor of larger ``x``."""
    from scipy.stats import rankdata

    gaps = np.asarray(x, dtype=np.float64) - np.asarray(y, dtype=np.float64)
    return float(np.sign(gaps) @ rankdata(np.abs(gaps))) > 0


def _exact(ranks: ndarray, gaps: ndarray) -> float:
    """Return p from the distribution of the rank sum when every sign is a coin toss, given the ranks.

    scipy's exact distribution holds without ties only, and its permutation test takes seconds a pair with them.
    """
    steps = np.rint(2 * ranks[gaps != 0]).astype(int)  # averaged ranks are halves
    chances = np.ones(1)
    for step in steps:
        longer = np.zeros(len(chances) + step)
        longer[: len(chances)] += chances / 2
        longer[step:] += chances / 2
        chances = longer
    positive = int(np.rint(2 * ranks[gaps > 0]).sum())
    return min(1.0, 2 * float(min(chances[: positive + 1].sum(), chances[positive:].sum())))


def holm(p: list[float]) -> ndarray:
    """Return p values corrected for their number by Holm's step-down procedure (doi 10.2307/4615733)."""
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected
