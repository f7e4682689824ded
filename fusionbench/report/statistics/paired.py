"""Which methods and images enter a paired comparison, and which are left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

if TYPE_CHECKING:
    from fusionbench.report.board import Board


@dataclass(frozen=True)
class Excluded:
    """A method without a score on every image that the comparison uses."""

    method: str
    label: str
    ok: int


@dataclass(frozen=True)
class Paired:
    """The scores of one metric by the methods that have one on every image.

    ``values`` are [methods, images]; ``rows`` are the methods' positions in the board. ``unscored`` counts the
    images that no method has a score on, which are left out.
    """

    metric: str
    better: str
    rows: tuple[int, ...]
    values: ndarray
    excluded: tuple[Excluded, ...]
    unscored: int

    @property
    def images(self) -> int:
        return self.values.shape[1]


def complete(values: ndarray) -> tuple[ndarray, ndarray]:
    """Return masks of the methods and of the images of ``values`` [methods, images] that can be compared.

    NaN stands for a missing score. An image that no method has a score on is left out first, as its own fault; of
    the others a method needs every one, so that a row that could not run does not take the images from the rest.
    """
    there = np.isfinite(values)
    images = there.any(axis=0)
    methods = there[:, images].all(axis=1) & bool(images.any())
    return methods, images


def paired(board: Board, metric: str) -> Paired:
    """Return the comparable scores of a board's metric."""
    return _paired(board, metric, board.values(metric))


def _paired(board: Board, metric: str, values: ndarray) -> Paired:
    methods, images = complete(values)
    there = np.isfinite(values[:, images]).sum(axis=1)
    excluded = [
        Excluded(row.method, row.label, int(there[i]))
        for i, row in enumerate(board.table.rows)
        if not methods[i]
    ]
    rows = tuple(int(i) for i in np.flatnonzero(methods))
    better = board.column(metric).better
    kept = values[np.ix_(methods, images)]
    return Paired(metric, better, rows, kept, tuple(excluded), int((~images).sum()))
