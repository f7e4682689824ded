"""Warnings that teach: what a table of fusion metrics invites to read wrongly, one sentence each with numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fusionbench.errors import FusionbenchError
from fusionbench.report.statistics.conventions import convention_lessons
from fusionbench.report.statistics.provenance import provenance_lessons
from fusionbench.report.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from fusionbench.report.board import Board

MOST = 4  # metrics spelled out with their numbers in one sentence


def lessons(
    board: Board, others: Sequence[Board] = (), *, canaries: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return one sentence for each of these that a board shows, with its numbers.

    A learned method below a trivial baseline; a metric that prefers a canary to the method it is a worsened copy
    of; an order of methods that depends on the convention, where ``others`` hold the same runs under other
    profiles; rows whose weights come from different places. ``canaries`` maps a method's name to that of the one it
    worsens, by default as the cards of the installed methods say.
    """
    known = canary_cards(board) if canaries is None else canaries
    return (
        *_below_trivial(board, known),
        *_canaries(board.table, known),
        *convention_lessons(board, others),
        *provenance_lessons(board),
    )


def canary_cards(board: Board) -> dict[str, str]:
    """Return the canaries among the trivial rows of a board and what each is a worsened copy of."""
    from fusionbench.registry import card

    found = {}
    for row in board.table.rows:
        if row.kind == "trivial":
            try:
                worsens = card(row.method).canary
            except FusionbenchError:  # made elsewhere, with a method that is not installed here
                continue
            if worsens:
                found[row.method] = worsens
    return found


def _below_trivial(board: Board, canaries: Mapping[str, str]) -> Iterator[str]:
    """Name the metrics in which a trained method is below a trivial baseline, with the best of these."""
    table = board.table
    trivial = [row for row in table.rows if row.kind == "trivial" and row.method not in canaries]
    sources = [record["weights"]["source"] for record in board.records]
    for row, source in zip(table.rows, sources, strict=True):
        if row.kind != "learned" or source == "random":  # what was never trained has its own sentence
            continue
        compared, below = 0, []
        for i, column in enumerate(table.columns):
            scored = [other for other in trivial if other.cells[i].value is not None]
            if row.cells[i].value is None or not scored:
                continue
            compared += 1
            best = max(scored, key=lambda other: _oriented(column, other.cells[i]))
            if _beats(column, best.cells[i], row.cells[i]):
                below.append(
                    f"{column.metric} ({row.cells[i].text} against {best.cells[i].text} of {best.label})"
                )
        if below:
            yield (
                f"{row.label} was trained and is below a trivial baseline in {len(below)} of "
                f"{_counted(compared, 'metric')}: {_first(below)}."
            )


def _canaries(table: Table, canaries: Mapping[str, str]) -> Iterator[str]:
    """Name each metric that prefers a canary to the method it worsens, and how many rows it puts below."""
    rows = {row.method: row for row in table.rows}
    for canary, clean in canaries.items():
        if canary not in rows or clean not in rows:
            continue
        for i, column in enumerate(table.columns):
            worse, better = rows[canary].cells[i], rows[clean].cells[i]
            if _beats(column, worse, better):
                yield (
                    f"{column.metric} prefers {rows[canary].label} ({worse.text}) to {rows[clean].label} ({better.text}), "
                    f"of which it is a worsened copy{_others_below(table.rows, column, i, worse)}."
                )


def _others_below(rows: Sequence[Row], column: Column, i: int, canary: Cell) -> str:
    methods = [row for row in rows if row.kind != "trivial" and row.cells[i].value is not None]
    below = sum(_beats(column, canary, row.cells[i]) for row in methods)
    return f", and to {below} of {_counted(len(methods), 'method')}" if below else ""


def _beats(column: Column, cell: Cell, other: Cell) -> bool:
    """Tell whether a cell is better by its printed digits, so that no sentence holds two equal numbers."""
    if cell.value is None or other.value is None or cell.text == other.text:
        return False
    return _oriented(column, cell) > _oriented(column, other)


def _oriented(column: Column, cell: Cell) -> float:
    assert cell.value is not None
    return cell.value if column.better == "higher" else -cell.value


def _first(parts: Sequence[str]) -> str:
    more = [f"and {len(parts) - MOST} more"] if len(parts) > MOST else []
    return ", ".join([*parts[:MOST], *more])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
