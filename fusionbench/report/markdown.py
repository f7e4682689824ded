"""Tables as aligned GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from fusionbench.report.table import HEADINGS, Cell, Row, Table
from fusionbench.report.text import one_line

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$#])")


def render(tables: Iterable[Table]) -> str:
    """Return every table with its heading, caption and footnotes; best in bold, second best underlined."""
    return "\n".join(_render(table) for table in tables)


def escape(text: str) -> str:
    """Return text that Markdown prints as it stands, in a table cell or a paragraph."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _render(table: Table) -> str:
    header = ["Method", *(f"{escape(column.metric)} {column.arrow}" for column in table.columns)]
    grid = _align([header, *_body(table)])
    notes = [f"<sup>{number}</sup> {escape(note)}." for number, note in enumerate(table.footnotes, start=1)]
    paragraphs = [f"### {escape(table.heading)}", "\n".join(grid), escape(" ".join(table.caption))]
    return "\n\n".join([*paragraphs, "  \n".join(notes)] if notes else paragraphs) + "\n"


def _body(table: Table) -> list[list[str]]:
    """The rows; Markdown has no rule inside a table, so a row of its own announces what stands below the methods."""
    rows = []
    for group in table.groups:
        if heading := HEADINGS.get(group[0].kind):
            rows.append([f"*{heading}*"] + [""] * len(table.columns))
        rows += [[_label(table, row), *(_cell(table, cell) for cell in row.cells)] for row in group]
    return rows


def _label(table: Table, row: Row) -> str:
    return escape(row.label) + "".join(_mark(table, note) for note in row.notes)


def _cell(table: Table, cell: Cell) -> str:
    if cell.value is None:
        return cell.text + (_mark(table, cell.note) if cell.note else "")
    return {1: f"**{cell.text}**", 2: f"<u>{cell.text}</u>"}.get(cell.rank, cell.text)


def _mark(table: Table, note: str) -> str:
    return f"<sup>{table.number(note)}</sup>"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad every column to its widest cell: names to the left, numbers to the right."""
    widths = [max(3, *(cell_len(cell) for cell in column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [_line(row, widths) for row in (rows[0], rule, *rows[1:])]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    gaps = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
    numbers = [gap + cell for cell, gap in zip(cells[1:], gaps[1:], strict=True)]
    return f"| {' | '.join([cells[0] + gaps[0], *numbers])} |"
