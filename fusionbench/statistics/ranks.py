"""Ranks of methods over images: Friedman's test, Nemenyi's comparison, critical differences, aggregations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
from numpy import ndarray

from fusionbench.statistics.normal_range import chance_of_longer, length_exceeded_with
from fusionbench.statistics.paired import complete
from fusionbench.statistics.signed_ranks import ranks_and_ties


@dataclass(frozen=True)
class Friedman:
    """Friedman's chi-square over images, corrected for ties, and its p; both NaN for fewer than two methods or images."""

    statistic: float
    p: float


def rank_blocks(values: ndarray, better: str) -> ndarray:
    """Return the ranks of the methods on each image, [methods, images], 1 = best, ties averaged.

    Methods without a score on every image, and images without any score, are NaN and left out of the ranking, see
    `complete`.
    """
    values = np.asarray(values, dtype=np.float64)
    methods, images = complete(values)
    ranks = np.full(values.shape, np.nan)
    where = np.ix_(methods, images)
    if ranks[where].size:
        ranks[where] = ranks_and_ties((values[where] * (-1 if better == "higher" else 1)).T)[0].T
    return ranks


def mean_ranks(values: ndarray, better: str) -> ndarray:
    """Return the mean of `rank_blocks` over images, [methods]; NaN for methods that are not compared."""
    return _means(rank_blocks(values, better))


def _means(ranks: ndarray) -> ndarray:
    methods, images = complete(ranks)
    mean_ranks = np.full(len(ranks), np.nan)
    if methods.any():
        mean_ranks[methods] = ranks[np.ix_(methods, images)].mean(axis=1)
    return mean_ranks


def friedman(values: ndarray, better: str) -> Friedman:
    """Return Friedman's test of equal ranks of the methods of ``values`` [methods, images], with images as blocks.

    The statistic is chi-square with Conover's correction for ties (Friedman 1937, doi 10.1080/01621459.1937.10503522). If
    all methods tie on every image, it is 0 and p is 1.
    """
    from scipy.special import chdtrc

    ranks = rank_blocks(values, better)
    ranks = ranks[np.ix_(*complete(ranks))]
    k, n = ranks.shape
    if k < 2 or n < 2:
        return Friedman(float("nan"), float("nan"))
    spread = float((ranks**2).sum() - n * k * (k + 1) ** 2 / 4)
    if spread <= 0:
        return Friedman(0.0, 1.0)
    sums = ranks.sum(axis=1) - n * (k + 1) / 2
    statistic = float((k - 1) * (sums @ sums) / spread)
    return Friedman(statistic, float(chdtrc(k - 1, statistic)))


def nemenyi(values: ndarray, better: str) -> ndarray:
    """Return Nemenyi's p of all pairs, [methods, methods], from the studentized range of the mean ranks.

    It is 1 on the diagonal and NaN for methods that are not compared. Source: Demsar 2006, without correction for ties.
    """
    ranks = rank_blocks(values, better)
    methods, images = complete(ranks)
    k, n = int(methods.sum()), int(images.sum())
    p_values = np.full((len(ranks), len(ranks)), np.nan)
    rows = np.flatnonzero(methods)
    p_values[rows, rows] = 1.0
    if k < 2:
        return p_values
    means = _means(ranks)[rows]
    i, j = np.triu_indices(k, 1)
    gaps = np.abs(means[i] - means[j]) / sqrt(k * (k + 1) / (6 * n)) * sqrt(2)
    # each distinct gap once, because there is an integral for every number
    different, back = np.unique(gaps, return_inverse=True)
    p = chance_of_longer(different, k)[back]
    p_values[rows[i], rows[j]] = p_values[rows[j], rows[i]] = p
    return p_values


def critical_difference(methods: int, blocks: int, level: float = 0.05) -> float:
    """Return the critical difference of mean ranks in Nemenyi's test at ``level`` (Demsar 2006, Section 3.2.2).

    CD = q sqrt(k (k + 1) / (6 N)) for k methods and N blocks, with the quantile q of the studentized range over sqrt(2).
    NaN for fewer than two methods or no block.
    """
    if methods < 2 or blocks < 1:
        return float("nan")
    return _critical(methods, level) * sqrt(methods * (methods + 1) / (6 * blocks))


@cache
def _critical(methods: int, level: float) -> float:
    return length_exceeded_with(level, methods) / sqrt(2)


def cliques(mean_ranks: ndarray, critical: float) -> list[tuple[int, ...]]:
    """Return the maximal groups of methods whose mean ranks differ by less than ``critical``, best first.

    A group has the indices of two or more methods, best first, and no group contains another; these are the bars of a
    critical-difference diagram. Methods with NaN belong to no group.
    """
    ranks = np.asarray(mean_ranks, dtype=np.float64)
    order = [int(i) for i in np.argsort(ranks, kind="stable") if np.isfinite(ranks[i])]
    groups: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        end = start
        while end < len(order) and ranks[order[end]] - ranks[order[start]] < critical:
            end += 1
        if end - start > 1 and end > reached:
            groups.append(tuple(order[start:end]))
        reached = max(reached, end)
    return groups


def borda(values_by_metric: Sequence[ndarray], betters: Sequence[str]) -> ndarray:
    """Return Borda points, [methods], summed over metrics: one for each method beaten, a half for each tie.

    Each entry of ``values_by_metric`` has means [methods] or scores [methods, images], which are averaged. Methods
    without a value in a metric are NaN and not counted. For M metrics and k methods the points are M k minus the sum of
    ranks, so the order is that of the mean rank over metrics.
    """
    means = np.stack([_mean_scores(np.asarray(values, dtype=np.float64)) for values in values_by_metric])
    known = np.isfinite(means).all(axis=0)
    points = np.full(means.shape[1], np.nan)
    points[known] = 0.0
    for row, better in zip(means[:, known], betters, strict=True):
        gaps = (row[:, None] - row[None]) * (1 if better == "higher" else -1)
        points[known] += (np.sign(gaps).sum(axis=1) + len(row) - 1) / 2
    return points


def _mean_scores(values: ndarray) -> ndarray:
    return values if values.ndim == 1 else values.mean(axis=1)


CLOSE = 1e-9  # relative difference of losses below which they are a tie, because sums of ranks are rounded


def winners(losses: ndarray) -> ndarray:
    """Return a mask, [methods, ...], of the methods with the smallest loss, several in case of a tie."""
    best = losses.min(axis=0)
    return losses <= best + CLOSE * np.maximum(1.0, np.abs(best))


def by_means(means: ndarray) -> ndarray:
    """Return the mean rank over metrics of ``means`` [metrics, methods, ...], higher being better; ties averaged."""
    return _ranks(means, axis=1).mean(axis=0)


def overall(values: ndarray) -> dict[str, ndarray]:
    """Return losses, [methods], of ``values`` [metrics, methods, images], higher being better, by several aggregations.

    Metrics have no common unit, so the first three are mean ranks over metrics: of means, of medians, and of single
    images. Borda counts the methods beaten in means, which is equivalent to the first, so it always agrees with it. First
    places count the metrics won by mean, like bold numbers in a table.
    """
    means = values.mean(axis=2)
    return {
        "mean": by_means(means),
        "median": by_means(np.median(values, axis=2)),
        "mean rank": _ranks(values, axis=1).mean(axis=(0, 2)),
        "Borda": -borda(means, ["higher"] * len(means)),
        "first places": -_first(means.T),
    }


def single(values: ndarray) -> dict[str, ndarray]:
    """Return losses, [methods], of one metric's ``values`` [methods, images], higher being better, by several aggregations.

    Here Borda counts the methods beaten on each image, which is equivalent to the mean rank, and first places count the
    images won.
    """
    ranks = _ranks(values, axis=0)
    return {
        "mean": -values.mean(axis=1),
        "median": -np.median(values, axis=1),
        "mean rank": ranks.mean(axis=1),
        "Borda": (ranks - len(values)).sum(axis=1),  # of k methods, rank r beats or ties k - r
        "first places": -_first(values),
    }


def _ranks(values: ndarray, axis: int) -> ndarray:
    moved = np.moveaxis(-values, axis, -1)
    return np.moveaxis(ranks_and_ties(moved.reshape(-1, moved.shape[-1]))[0].reshape(moved.shape), -1, axis)


def _first(cells: ndarray) -> ndarray:
    """Return the number of cells of [methods, cells] in which each method is best; ties share one."""
    best = winners(-cells)
    return (best / best.sum(axis=0)).sum(axis=1)
