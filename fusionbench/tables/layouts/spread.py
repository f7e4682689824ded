"""Additions to means in tables: their spread, ties by a significance test, and mean ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, Table, TableCell, mean_places, printed, rank_column
from fusionbench.tables.style import TableStyle

if TYPE_CHECKING:
    from numpy import ndarray

LEVEL = 0.95
ALPHA = 0.05
RESAMPLES = 2000
SEED = 0
RANK = Column("Rank", "mean rank over the metrics", "lower", 2)


def decorate(board: Board, style: TableStyle) -> Table:
    """Return a board's table with the additions of the style, and caption sentences that explain them."""
    table = board.table
    if style.spread != "none":
        table = _with_spread(board, table, style.spread)
    if style.significance:
        table = _with_ties(board, table)
    return _with_ranks(table) if style.ranks else table


def _with_spread(board: Board, table: Table, kind: str) -> Table:
    """Return the table with the standard deviation or the bootstrap interval after each mean."""
    cut: list[str] = []
    spread = _sd if kind == "sd" else partial(_interval, cut)
    pairs = f"the {table.pairs} pairs" if table.pairs != 1 else "the 1 pair"
    said = {
        "sd": f"After ±: standard deviation over {pairs} (n - 1).",
        "ci": f"In brackets: {LEVEL * 100:g} % studentized bootstrap interval of the mean over {pairs} "
        f"({RESAMPLES} resamples of pairs, seed {SEED}).",
    }[kind]
    brief = {
        "sd": "After ±: standard deviation.",
        "ci": f"In brackets: {LEVEL * 100:g} % bootstrap interval of the mean.",
    }[kind]
    table = _each_column(board, table, spread).saying(said, brief)
    if cut:
        table = table.saying(
            f"Intervals of {', '.join(cut)} that would go beyond the metric's range end there.", ""
        )
    return table


def _sd(column: Column, cells: Sequence[TableCell], values: ndarray) -> Iterator[TableCell]:
    for cell, row in zip(cells, values, strict=True):
        if cell.value is None or len(row) < 2:
            yield cell
        else:
            sd = float(row.std(ddof=1))
            yield replace(cell, sd=sd, spread=f"± {printed(sd, column.digits)}")


def _interval(
    cut: list[str], column: Column, cells: Sequence[TableCell], values: ndarray
) -> Iterator[TableCell]:
    """Yield cells with intervals, limited to the metric's range; ``cut`` collects the metrics for which one was limited."""
    from fusionbench.statistics.intervals import mean_intervals

    ends = mean_intervals(values, level=LEVEL, resamples=RESAMPLES, seed=SEED)
    for cell, low, high in zip(cells, *(end.tolist() for end in ends), strict=True):
        if cell.value is None or not low <= high:  # bounds are NaN for a single pair, which has no interval
            yield cell
        else:
            inside = _inside(column, low), _inside(column, high)
            if inside != (low, high) and column.metric not in cut:
                cut.append(column.metric)
            low, high = inside
            spread = f"[{printed(low, column.digits)}, {printed(high, column.digits)}]"
            yield replace(cell, interval=(low, high), spread=spread)


def _inside(column: Column, end: float) -> float:
    least, most = column.range
    end = end if least is None else max(end, least)
    return end if most is None else min(end, most)


def _with_ties(board: Board, table: Table) -> Table:
    """Return the table with cells marked that are not significantly worse than the best.

    Columns in which no test can be significant, because there are too few pairs, get no marks but a sentence.
    """
    cells, tested = _each_column(board, table, _ties), _testable(board, table)
    silent = [c.metric for c, testable in zip(table.columns, tested, strict=True) if testable is False]
    if silent:
        rows = [
            replace(row, cells=tuple(replace(c, tied=None) if t is False else c for c, t in zip(row.cells, tested, strict=True)))
            for row in cells.rows
        ]  # fmt: skip
        where = "" if len(silent) == len([t for t in tested if t is not None]) else f" in {', '.join(silent)}"
        cells = replace(cells, rows=tuple(rows)).saying(
            f"No †{where}: over {table.pairs} pairs no Wilcoxon signed-rank test of so many methods can reach the "
            f"level {ALPHA:g}, whatever the scores.",
            f"No †{where}: too few pairs for a test at {ALPHA:g}.",
        )
        if not where:
            return cells
    said = (
        f"†: not significantly worse than the best of its column, by two-sided Wilcoxon "
        f"signed-rank tests paired over {table.pairs} pairs, with Holm's correction over all pairs of methods, at the level {ALPHA:g}."
    )
    brief = f"†: not significantly worse than the best (Wilcoxon signed-rank test, Holm, {ALPHA:g})."
    return cells.saying(said, brief)


def _testable(board: Board, table: Table) -> list[bool | None]:
    """Return, for each column, whether its tests can be significant; None if nothing is tested."""
    from fusionbench.statistics.significance import smallest_p

    testable: list[bool | None] = []
    for i, column in enumerate(table.columns):
        rows = sum(row.cells[i].value is not None for row in table.rows)
        known = column.per == "image" and rows > 1
        testable.append(smallest_p(rows, len(board.images)) < ALPHA if known else None)
    return testable


def _ties(column: Column, cells: Sequence[TableCell], values: ndarray) -> Iterator[TableCell]:
    """Yield cells with ``tied`` set for the rows that have a score for every pair, if there are two or more."""
    from fusionbench.statistics.significance import not_worse

    complete = [i for i, cell in enumerate(cells) if cell.value is not None]
    flags = not_worse(values[complete], column.better, level=ALPHA) if len(complete) > 1 else ()
    tied = dict(zip(complete, map(bool, flags), strict=False))
    return (replace(cell, tied=tied.get(i)) for i, cell in enumerate(cells))


def _each_column(
    board: Board, table: Table, change: Callable[[Column, Sequence[TableCell], ndarray], Iterator[TableCell]]
) -> Table:
    """Return the table with the cells changed column by column, except for metrics of whole sets."""
    columns = []
    for i, column in enumerate(table.columns):
        cells, values = [row.cells[i] for row in table.rows], board.values(column.metric)
        columns.append(list(change(column, cells, values)) if column.per == "image" else cells)
    rows = (replace(row, cells=tuple(column[i] for column in columns)) for i, row in enumerate(table.rows))
    return replace(table, rows=tuple(rows))


def _with_ranks(table: Table) -> Table:
    """Return the table with the mean rank of each row over the metrics for which any row has a value."""
    ranked = [
        i for i in range(len(table.columns)) if any(row.cells[i].value is not None for row in table.rows)
    ]
    places = [_places(table, i) for i in ranked]
    cells = rank_column(RANK, [_rank([p[i] for p in places]) for i in range(len(table.rows))])
    rows = [replace(row, cells=(*row.cells, cell)) for row, cell in zip(table.rows, cells, strict=True)]
    names = ", ".join(table.columns[i].metric for i in ranked)
    said = (
        f"Rank: mean of a row's ranks in {names}, equal digits share the mean of their ranks."
        if names
        else ""
    )
    table = replace(table, columns=(*table.columns, RANK), rows=tuple(rows))
    return table.saying(said, "Rank: mean rank over the metrics.") if said else table


def _places(table: Table, i: int) -> list[float | None]:
    cells = [row.cells[i] for row in table.rows]
    return mean_places([None if c.value is None else c.text for c in cells], table.columns[i].better)


def _rank(places: Sequence[float | None]) -> TableCell:
    known = [place for place in places if place is not None]
    if places and len(known) == len(places):
        mean = sum(known) / len(known)
        return TableCell(RANK.metric, mean, printed(mean, RANK.digits), len(known), len(places), "ok")
    text = f"– ({len(known)}/{len(places)})"
    return TableCell(
        RANK.metric, None, text, len(known), len(places), "skipped", "not every metric has a value"
    )
