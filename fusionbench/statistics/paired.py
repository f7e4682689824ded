"""Choosing the methods, metrics and images of a paired comparison, with reasons for those left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

if TYPE_CHECKING:
    from fusionbench.tables.board import Board


def complete(values: ndarray) -> tuple[ndarray, ndarray]:
    """Return masks of the methods and of the images of ``values`` [methods, images] that can be compared.

    NaN is a missing score. Images without a score of any method are left out first. Of the remaining images a method needs
    every score, or it is left out: a method that could not run must not remove the images of the others.
    """
    there = np.isfinite(values)
    images = there.any(axis=0)
    return there[:, images].all(axis=1) & bool(images.any()), images


@dataclass(frozen=True)
class PairedScores:
    """Scores, float64 [metrics, methods, images], without gaps.

    ``rows`` and ``at`` are the positions of the methods and images in the board, ``methods`` are labels. ``left_out`` are
    metrics and ``excluded`` methods that are not included, each with the reason. ``unscored`` counts the images left out
    because no method has a score there in one of the metrics.
    """

    metrics: tuple[str, ...]
    betters: tuple[str, ...]
    rows: tuple[int, ...]
    at: tuple[int, ...]
    methods: tuple[str, ...]
    values: ndarray
    left_out: tuple[tuple[str, str], ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()
    unscored: int = 0

    @property
    def images(self) -> int:
        return len(self.at)

    @property
    def decidable(self) -> bool:
        """Whether there is anything to compare: a metric, two methods and an image."""
        return bool(self.metrics) and len(self.methods) > 1 and self.images > 0

    @property
    def oriented(self) -> ndarray:
        """The scores, negated for metrics for which lower is better."""
        signs = np.array([1.0 if better == "higher" else -1.0 for better in self.betters])
        return self.values * signs[:, None, None]


def scores_in_both(first: PairedScores, second: PairedScores) -> tuple[PairedScores, PairedScores]:
    """Return two comparisons of one set of runs restricted to their common metrics, methods and images."""
    return _restricted(first, second), _restricted(second, first)


def _restricted(comparison: PairedScores, other: PairedScores) -> PairedScores:
    """Return a comparison restricted to what the other has too."""
    metrics = [i for i, name in enumerate(comparison.metrics) if name in other.metrics]
    rows = [i for i, row in enumerate(comparison.rows) if row in other.rows]
    images = [i for i, image in enumerate(comparison.at) if image in other.at]
    return PairedScores(
        metrics=tuple(comparison.metrics[i] for i in metrics),
        betters=tuple(comparison.betters[i] for i in metrics),
        rows=tuple(comparison.rows[i] for i in rows),
        at=tuple(comparison.at[i] for i in images),
        methods=tuple(comparison.methods[i] for i in rows),
        values=comparison.values[np.ix_(metrics, rows, images)],
    )


def paired_scores(board: Board, metrics: Sequence[str] | None = None) -> PairedScores:
    """Return the scores of a board that can be compared over several metrics, by default all with scores of images.

    A metric is left out if no image has a score, or if fewer than half of the images or methods have the scores that it
    needs, because it would exclude the others. A method is excluded if it lacks an image in a remaining metric. For one
    metric the result is that of `complete`.
    """
    names = [column.metric for column in board.columns] if metrics is None else list(metrics)
    scores = {name: board.values(name) for name in names}
    left_out = _unfit(scores)
    kept = {name: values for name, values in scores.items() if name not in left_out}
    methods, images = _common(kept, (len(board.table.rows), len(board.images)))
    stacked = [values[np.ix_(methods, images)] for values in kept.values()]
    return PairedScores(
        metrics=tuple(kept),
        betters=tuple(board.column(name).better for name in kept),
        rows=tuple(int(i) for i in np.flatnonzero(methods)),
        at=tuple(int(i) for i in np.flatnonzero(images)),
        methods=tuple(board.table.rows[i].label for i in np.flatnonzero(methods)),
        values=np.array(stacked).reshape(len(kept), methods.sum(), images.sum()),
        left_out=tuple(left_out.items()),
        excluded=tuple(
            (board.table.rows[i].label, _lacking(kept, int(i), images)) for i in np.flatnonzero(~methods)
        ),
        unscored=int((~images).sum()),
    )


def _common(kept: Mapping[str, ndarray], shape: tuple[int, int]) -> tuple[ndarray, ndarray]:
    """Return masks of the methods and images that all metrics can compare, empty without metrics."""
    if not kept:
        return np.zeros(shape[0], dtype=bool), np.zeros(shape[1], dtype=bool)
    methods, images = zip(*map(complete, kept.values()), strict=True)
    return np.all(methods, axis=0), np.all(images, axis=0)


def _unfit(scores: Mapping[str, ndarray]) -> dict[str, str]:
    """Return, for each metric to be left out, the reason."""
    taking_part = np.any([np.isfinite(values).any(axis=1) for values in scores.values()], axis=0).sum()
    reasons = {}
    for name, values in scores.items():
        methods, images = (mask.sum() for mask in complete(values))
        if not images:
            reasons[name] = "no image has a score"
        elif 2 * images < values.shape[1]:
            reasons[name] = f"only {images} of {values.shape[1]} images have a score"
        elif 2 * methods < taking_part:
            reasons[name] = f"only {methods} of {taking_part} methods have a score on every image"
    return reasons


def _lacking(kept: Mapping[str, ndarray], row: int, images: ndarray) -> str:
    """Return in words the missing scores of a method, with metrics of the same count together."""
    metrics: dict[int, list[str]] = {}
    for name, values in kept.items():
        metrics.setdefault(int(np.isfinite(values[row, images]).sum()), []).append(name)
    if list(metrics) == [0] or not kept:
        return "no score"
    short = sorted((count, names) for count, names in metrics.items() if count < images.sum())
    return "; ".join(f"{', '.join(names)} on {count} of {images.sum()} images" for count, names in short)
