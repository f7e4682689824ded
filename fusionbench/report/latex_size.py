"""Which type size and environment let a LaTeX table fit its page, by an estimate of its width."""

from __future__ import annotations

from typing import NamedTuple

from fusionbench.report.table import Cell, Column, Table

COLUMN, PAGE = 345, 500  # points: text width of the article class, and of a page with two columns


class Fit(NamedTuple):
    """An environment, a type size, and half the gap between columns in points."""

    environment: str
    size: str
    gap: int

    @property
    def wide(self) -> bool:
        return self.environment == "table*"


# with the width of a digit in points
SIZES = ((r"\small", 4, 4.6), (r"\footnotesize", 3, 4.3), (r"\scriptsize", 2, 4.0), (r"\tiny", 2, 3.4))


def fitting(table: Table) -> Fit:
    """Return the largest type that fits; a table too wide for the column in any goes across the page."""
    count = 1 + len(table.leads) + len(table.columns)
    letters = _names(table) + sum(_width(table, i) for i in range(len(table.columns)))
    for environment, room in (("table", COLUMN), ("table*", PAGE)):
        for size, gap, digit in SIZES:
            if letters * digit + count * 2 * gap <= room:
                return Fit(environment, size, gap)
    return Fit("table*", *SIZES[-1][:2])


def _names(table: Table) -> int:
    """Return how many letters the columns before the numbers take."""
    labels = max((len(row.label) for row in table.rows), default=0)
    leads = zip(table.leads, *(row.leads for row in table.rows), strict=True) if table.leads else ()
    return max(labels, len(table.stub)) + sum(max(map(len, texts)) for texts in leads)


def _width(table: Table, i: int) -> int:
    return max(_header(table.columns[i]), *(_cell(row.cells[i]) for row in table.rows))


def _header(column: Column) -> int:
    return len(column.metric) + 2


def _cell(cell: Cell) -> int:
    return len(cell.text) + len(cell.spread) + bool(cell.spread) + bool(cell.tied)
