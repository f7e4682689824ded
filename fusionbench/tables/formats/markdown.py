"""Tables as aligned GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from fusionbench.tables.model import Table, TableCell, one_line

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$#])")


def render(tables: Iterable[Table]) -> str:
    """Return all tables with heading, caption and footnotes; best values in bold, second best underlined."""
    return "\n".join(_render(table) for table in tables)


def escape(text: str) -> str:
    """Return text escaped so that Markdown prints it literally, in a table cell or a paragraph."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _render(table: Table) -> str:
    grid = _align([_header(table), *_body(table)], 1 + len(table.leads))
    notes = [f"<sup>{number}</sup> {escape(note)}." for number, note in enumerate(table.footnotes, start=1)]
    paragraphs = [f"### {escape(table.heading)}", "\n".join(grid), escape(" ".join(table.caption))]
    if notes:
        paragraphs.append("  \n".join(notes))
    if table.warnings:
        paragraphs += ["**Notes**", "\n".join(f"- {escape(warning)}" for warning in table.warnings)]
    return "\n\n".join(paragraphs) + "\n"


def _header(table: Table) -> list[str]:
    """Return the header; Markdown has no cell over several columns, so each metric has its group in its own cell."""
    names = [f"{escape(column.metric)} {column.arrow}" for column in table.columns]
    groups = [f"{escape(column.group)}<br>" if column.group else "" for column in table.columns]
    metrics = (group + name for group, name in zip(groups, names, strict=True))
    return [escape(table.stub), *map(escape, table.leads), *metrics]


def _body(table: Table) -> list[list[str]]:
    """Return the rows; Markdown has no rule inside a table, so a group begins with a row for its title."""
    rows = []
    for group in table.groups:
        if banner := table.banner(group):
            rows.append([f"*{escape(banner)}*"] + [""] * (len(table.leads) + len(table.columns)))
        rows += [
            [
                escape(row.label) + _mark(table, row.notes),
                *map(escape, row.leads),
                *(_cell(table, cell) for cell in row.cells),
            ]
            for row in group
        ]
    return rows


def _cell(table: Table, cell: TableCell) -> str:
    if cell.value is None:
        return cell.text + _mark(table, (cell.note,))
    number = {1: f"**{cell.text}**", 2: f"<u>{cell.text}</u>"}.get(cell.rank or 0, cell.text)
    spread = f" {escape(cell.spread)}" if cell.spread else ""
    return f"{number}{'†' if cell.tied else ''}{spread}{_mark(table, (cell.note,))}"


def _mark(table: Table, notes: Sequence[str]) -> str:
    marks = table.marks(notes)
    return f"<sup>{marks}</sup>" if marks else ""


def _align(rows: Sequence[Sequence[str]], names: int) -> list[str]:
    """Return lines with all columns padded to their widest cell: the first ``names`` left-aligned, the others right."""
    widths = [max(3, *(cell_len(cell) for cell in column)) for column in zip(*rows, strict=True)]
    rule = ["-" * width for width in widths[:names]] + ["-" * (width - 1) + ":" for width in widths[names:]]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        padded = [c + gap if i < names else gap + c for i, (c, gap) in enumerate(zip(row, gaps, strict=True))]
        lines.append(f"| {' | '.join(padded)} |")
    return lines
