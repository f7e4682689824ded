"""Average ranks of a board's methods, and sentences on which differences are significant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fusionbench.report.bars import Figure, rank_figure
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, printed

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True)
class RankRow:
    """A method's mean rank by each metric (None without all scores), and their mean; ``place`` counts from 1."""

    label: str
    kind: str
    means: tuple[float | None, ...]
    average: float | None
    place: int | None


@dataclass(frozen=True)
class Ranking:
    """The ranking of a board; ``statements`` has a sentence for each metric on the significance of differences."""

    columns: tuple[Column, ...]
    rows: tuple[RankRow, ...]
    figures: tuple[Figure, ...]
    statements: tuple[str, ...]


def make_ranking(board: Board) -> Ranking | None:
    """Rank the methods on each image by each metric; None if fewer than two can be compared.

    A metric ranks only methods with a score on every image, so that missing scores do not improve a rank.
    """
    parts = [(column, _whole(board.values(column.metric))) for column in board.table.columns]
    parts = [(column, rows) for column, rows in parts if len(rows) > 1 and board.images]
    if not parts:
        return None
    means: list[dict[int, float]] = []
    figures, statements = [], []
    for column, rows in parts:
        ranked = _ranked(board, column, rows)
        means.append(dict(zip(rows, ranked.means, strict=True)))
        chosen = [board.table.rows[row] for row in rows]
        figures.append(rank_figure(column, chosen, ranked.means, ranked.critical))
        statements.append(_statement(column, [row.label for row in chosen], ranked, len(board.images)))
    columns = tuple(column for column, _ in parts)
    return Ranking(columns, _rows(board, means), tuple(figures), tuple(statements))


@dataclass(frozen=True)
class _Ranked:
    means: list[float]
    p: float | None
    critical: float | None
    alike: tuple[int, ...]


def _whole(values: ndarray) -> list[int]:
    """Return the indices of rows with a score on every image."""
    import numpy as np

    return [int(row) for row in np.flatnonzero(np.isfinite(values).all(axis=1))]


def _ranked(board: Board, column: Column, rows: list[int]) -> _Ranked:
    from fusionbench.statistics import ranks

    values = board.values(column.metric)[rows]
    means = [float(mean) for mean in ranks.mean_ranks(values, column.better)]
    if len(rows) < 3 or len(board.images) < 2:
        return _Ranked(means, None, None, ())
    p = float(ranks.friedman(values, column.better).p)
    critical = float(ranks.critical_difference(len(rows), len(board.images)))
    best = min(means)
    alike = tuple(i for i, mean in sorted(enumerate(means), key=lambda e: e[1]) if mean - best < critical)
    return _Ranked(means, p, critical, alike)


def _statement(column: Column, labels: list[str], ranked: _Ranked, images: int) -> str:
    best = labels[ranked.means.index(min(ranked.means))]
    if ranked.critical is None:
        return f"{column.metric}: {best} has the lowest mean rank; too few methods or images for a test."
    test = f"Friedman p {_p(ranked.p)} over {images} images"
    if ranked.p is None or math.isnan(ranked.p) or ranked.p >= 0.05:
        return f"{column.metric}: {test}: the methods cannot be told apart."
    size = f"critical difference {printed(ranked.critical, 2)} ranks (Nemenyi, 5 %)"
    others = [labels[i] for i in ranked.alike if labels[i] != best]
    told = f"not told apart from {', '.join(others)}" if others else "ahead of all others"
    return f"{column.metric}: {test}, {size}; {best} has the lowest mean rank, {told}."


def _p(p: float | None) -> str:
    return "unknown" if p is None or math.isnan(p) else "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _average(ranks: list[float | None]) -> float | None:
    """Return the mean of the ranks, or None if one is missing."""
    given = [rank for rank in ranks if rank is not None]
    return math.fsum(given) / len(given) if len(given) == len(ranks) else None


def _rows(board: Board, means: list[dict[int, float]]) -> tuple[RankRow, ...]:
    """Return the rows in order of average rank; those without a rank by some metric come last, without an average."""
    by_row = [[mean.get(row) for mean in means] for row in range(len(board.table.rows))]
    averages = [_average(own) for own in by_row]
    order = sorted(range(len(by_row)), key=lambda row: (averages[row] is None, averages[row] or 0.0, row))
    distinct = sorted({printed(a, 2) for a in averages if a is not None}, key=float)
    return tuple(
        RankRow(
            board.table.rows[row].label,
            board.table.rows[row].kind,
            tuple(by_row[row]),
            averages[row],
            None if (average := averages[row]) is None else distinct.index(printed(average, 2)) + 1,
        )
        for row in order
    )
