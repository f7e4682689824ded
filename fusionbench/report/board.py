"""A leaderboard table together with the scores of single images behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusionbench.report.cells import Record, Scores
from fusionbench.report.runs import Run
from fusionbench.report.table import Column, Table

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True)
class Board:
    """One table, its runs and their scores.

    ``runs`` stand in the order of ``table.rows``, ``images`` in that of the split. Only scores of the versions
    that the table shows are in ``scores``.
    """

    table: Table
    runs: tuple[Run, ...]
    images: tuple[str, ...]
    scores: tuple[Scores, ...]

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(run.record for run in self.runs)

    def column(self, metric: str) -> Column:
        """Return the column of a metric; KeyError where the table has none."""
        for column in self.table.columns:
            if column.metric == metric:
                return column
        raise KeyError(metric)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of metrics that are scored by image."""
        return tuple(column for column in self.table.columns if column.per == "image")

    def values(self, metric: str) -> ndarray:
        """Return float64 [rows, images] of a metric; NaN where an image has no ok score.

        A metric with one value for the whole set has none for single images: all NaN, see `columns`.
        """
        import numpy as np

        column = self.column(metric)
        rows = [scores.get(metric, {}).get(column.version, {}) for scores in self.scores]
        found = [[_value(row, image) for image in self.images] for row in rows]
        return np.array(found, dtype=np.float64).reshape(len(rows), len(self.images))


def _value(row: Mapping[str, Any], image: str) -> float:
    score = row.get(image)
    return float("nan") if score is None or score.value is None else score.value
