"""Who wins: several ways to turn scores of images into one order of the methods."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from fusionbench.report.statistics.ranks import borda

CLOSE = 1e-9  # losses that differ by less are a tie


def winners(losses: ndarray) -> ndarray:
    """Return a mask of the methods with the smallest loss, [methods, ...]; ties share the win."""
    best = losses.min(axis=0)
    return losses <= best + CLOSE * np.maximum(1.0, np.abs(best))


def by_means(means: ndarray) -> ndarray:
    """Return the mean rank over metrics of ``means`` [metrics, methods, ...], higher is better; ties averaged."""
    return _ranks(means, axis=1).mean(axis=0)


def overall(values: ndarray) -> dict[str, ndarray]:
    """Return losses [methods] of ``values`` [metrics, methods, images], higher is better, by each aggregation.

    Metrics have no common unit, so all but the last two are mean ranks over metrics: of means, of medians, and of
    single images. Borda counts the methods beaten by their means; it is the first one counted from the other end,
    so it can only agree. First places counts the metrics won by mean, as the bold numbers of a table do.
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
    """Return losses [methods] of one metric's ``values`` [methods, images], higher is better, by each aggregation.

    Here Borda counts the methods beaten on each image, which is the mean rank counted from the other end, and
    first places the images won.
    """
    return {
        "mean": -values.mean(axis=1),
        "median": -np.median(values, axis=1),
        "mean rank": _ranks(values, axis=0).mean(axis=1),
        "Borda": -borda(values.T, ["higher"] * values.shape[1]),
        "first places": -_first(values),
    }


def _ranks(values: ndarray, axis: int) -> ndarray:
    from scipy.stats import rankdata

    return rankdata(-values, axis=axis)


def _first(cells: ndarray) -> ndarray:
    """Count the cells [methods, cells] that each is best in; those that tie share one."""
    best = winners(-cells)
    return (best / best.sum(axis=0)).sum(axis=1)
