"""Layouts of tables: their records, the labels of their rows, and joining several sets of pairs in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fusionbench.tables.board import Board, boards_of
from fusionbench.tables.cells import Record, index_scores
from fusionbench.tables.layouts.joined import below, beside
from fusionbench.tables.layouts.selection import Selection, in_order
from fusionbench.tables.layouts.spread import decorate
from fusionbench.tables.model import Table
from fusionbench.tables.style import TableStyle

if TYPE_CHECKING:
    from pandas import DataFrame

    from fusionbench.metrics import MetricCard

__all__ = ["lay_out"]


def lay_out(
    records: Sequence[Record],
    scores: DataFrame | Iterable[tuple[Any, ...]],
    style: TableStyle,
    *,
    profile: str = "canonical",
    cards: Mapping[str, MetricCard] | None = None,
    order: Sequence[str] = (),
    notes: bool = False,
) -> list[Table]:
    """Return the tables of a layout; ``records`` and ``scores`` are as for `build_tables`.

    ``order`` names rows of settings of a method, and data sets, in their order; others follow. ``notes`` adds the
    warnings below the caption. Raises RequestError if no record fits the layout.
    """
    index = index_scores(scores, profile)
    facts = {"metrics": style.metrics, "profile": profile, "digits": style.digits, "cards": cards}

    def boards(chosen: Sequence[Record]) -> list[Board]:
        return in_order(boards_of(chosen, index, **facts), order)

    def finished(board: Board) -> Table:
        table = decorate(board, style)
        if not notes:
            return table
        from fusionbench.statistics.lessons import lessons

        return replace(table, warnings=tuple(lessons(board)))

    if style.layout in ("single", "datasets"):
        chosen_boards = boards(records)
        tables = [finished(board) for board in chosen_boards]
        return _named(
            [beside(chosen_boards, tables)] if style.layout == "datasets" and chosen_boards else tables,
            style.title,
        )
    layout = import_module(f"fusionbench.tables.layouts.{style.layout}")
    selections: list[Selection] = layout.select(records, style.arguments, order)
    if style.layout == "noise":
        blocks = [(selection, board) for selection in selections for board in boards(selection.records)]
        return _named(_noise_tables([(s.name, s.label(finished(board))) for s, board in blocks]), style.title)
    stack = below if style.layout == "transfer" else beside
    tables = []
    for selection in selections:
        chosen_boards = boards(selection.records)
        parts = [selection.label(finished(board)) for board in chosen_boards]
        tables.append(selection.head(stack(chosen_boards, parts)))
    return _named(tables, style.title)


def _noise_tables(blocks: Sequence[tuple[str, Table]]) -> list[Table]:
    """Return one table for each set of pairs, with one block for each noise."""
    from fusionbench.tables.layouts.noise import stack

    by_pairs: dict[tuple[str, str, str], list[tuple[str, Table]]] = {}
    for noise, table in blocks:
        by_pairs.setdefault((table.dataset, table.split_hash, table.data), []).append((noise, table))
    return [
        stack([table for _, table in same_pairs], [noise for noise, _ in same_pairs])
        for same_pairs in by_pairs.values()
    ]


def _named(tables: list[Table], title: str) -> list[Table]:
    """Return the tables with a title; if there are several, each has its own heading after it."""
    if not title:
        return tables
    if len(tables) == 1:
        return [replace(tables[0], name=title)]
    return [replace(table, name=f"{title}: {table.heading}") for table in tables]
