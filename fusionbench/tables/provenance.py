"""The full caption, notes and runs of a table as a text file beside it, for tables with a short caption."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fusionbench.tables.model import Table, one_line


def provenance_file(table_file: Path) -> Path:
    """Return the path of the file for a table's file."""
    return table_file.with_suffix(".provenance.md")


def provenance_text(tables: Iterable[Table], file: str) -> str:
    """Return, as Markdown, the full caption, notes and runs of each table in ``file``."""
    return "\n".join([f"# What {file} rests on\n", *(_section(table) for table in tables)])


def _section(table: Table) -> str:
    return "\n".join([f"## {one_line(table.heading)}", "", *_lines(table)]) + "\n"


def _lines(table: Table) -> Iterator[str]:
    yield from (f"- {one_line(sentence)}" for sentence in table.caption)
    yield from (f"- Footnote {i}: {one_line(note)}." for i, note in enumerate(table.footnotes, start=1))
    yield from (f"- Note: {one_line(warning)}" for warning in table.warnings)
    yield ""
    yield from (f"- {one_line(row.label)}: run {row.run}" for row in table.rows if row.run)
