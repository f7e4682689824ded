"""Printed rows below the measured ones of a leaderboard table: shown for orientation, never ranked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from fusionbench.report.conventions import convention, difference, metric_card
from fusionbench.report.reported import Number, Paper, papers
from fusionbench.report.reported_against import pairs_reasons
from fusionbench.report.table import Cell, Column, Row, Table

KIND = "reported"


def with_reported(table: Table, only: Collection[str] | None = None) -> Table:
    """Return the table with a row of kind "reported" for each row that papers print of fusion on its data set.

    ``only`` names the papers that are wanted, None all. The rows have the digits as printed and no rank; a footnote
    for each printed table says by which convention and in which columns it may be compared with the measured rows.
    A table without printed numbers in its columns comes back as it is.
    """
    chosen = [paper for name, paper in papers().items() if only is None or name in only]
    rows = [row for paper in chosen for part in _tables(paper, table) for row in _rows(paper, part, table)]
    return replace(table, rows=(*table.rows, *rows)) if rows else table


def _tables(paper: Paper, table: Table) -> Iterator[list[Number]]:
    """The numbers of each table of a paper that measures fusion on this data set and in these columns."""
    columns = {column.metric for column in table.columns}
    here = [n for n in paper.numbers if n.kind == "fusion" and n.dataset == table.dataset]
    for which in dict.fromkeys(n.table for n in here):
        part = [n for n in here if n.table == which and _metric(n) in columns]
        if part:
            yield part


def _metric(number: Number) -> str | None:
    card = metric_card(number.metric)
    return card.name if card else None


def _rows(paper: Paper, part: Sequence[Number], table: Table) -> Iterator[Row]:
    note = _note(paper, part, table)
    for method in dict.fromkeys(n.method for n in part):
        values = {_metric(n): n for n in part if n.method == method}
        yield Row(
            method=method,
            label=f"{method}, printed in {paper.title} Table {part[0].table}",
            kind=KIND,
            run="",
            status=KIND,
            cells=tuple(_cell(paper, column, values.get(column.metric)) for column in table.columns),
            notes=(note,),
            leads=("",) * len(table.leads),
        )


def _cell(paper: Paper, column: Column, number: Number | None) -> Cell:
    if number is None:
        return Cell(column.metric, None, "–", 0, 0, "skipped", "not printed")
    pairs = paper.pairs.get(number.dataset, 0)
    return Cell(column.metric, number.number, number.value, pairs, pairs, KIND)


def _note(paper: Paper, part: Sequence[Number], table: Table) -> str:
    """Say where the numbers come from and with which columns they may be compared."""
    pairs = paper.pairs.get(table.dataset)
    source = f"profile {paper.profile}" + (f", {pairs} pairs" if pairs else "")
    where = f"{paper.title} Table {part[0].table}: printed, not measured here, not ranked ({source})"
    barriers = list(pairs_reasons(paper, table.dataset, table.split, table.pairs))
    if barriers:
        return f"{where}; not comparable: {'; '.join(barriers)}"
    return f"{where}; {'; '.join(_groups(paper, part, table))}"


def _groups(paper: Paper, part: Sequence[Number], table: Table) -> Iterator[str]:
    """Columns that are computed alike, those that are not, and those of which nobody can tell."""
    alike, undecided, others = [], [], {}
    better = {column.metric: column.better for column in table.columns}
    for name, number in {_metric(n): n for n in part}.items():
        meant = convention(paper, number.metric)
        other = difference(meant, name, table.profile)
        if number.direction != better[name]:
            others.setdefault(f"the paper calls {number.direction} better", []).append(name)
        elif meant.undecided:
            undecided.append(name)
        elif other:
            others.setdefault(other, []).append(name)
        else:
            alike.append(name)
    if alike:
        yield f"comparable in {', '.join(alike)}"
    yield from (f"other convention in {', '.join(names)}: {other}" for other, names in others.items())
    if undecided:
        yield f"convention undecided in {', '.join(undecided)}"
