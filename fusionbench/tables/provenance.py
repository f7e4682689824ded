"""All that a short caption leaves out, as a text file to keep beside a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fusionbench.tables.model import Table, one_line


def beside(table_file: Path) -> Path:
    """Return the file that goes with a table's."""
    return table_file.with_suffix(".provenance.md")


def provenance_text(tables: Iterable[Table], file: str) -> str:
    """Return, for each table in ``file``, its full caption, its notes and the run behind each row, as Markdown."""
    return "\n".join([f"# What {file} rests on\n", *(_section(table) for table in tables)])


def _section(table: Table) -> str:
    return "\n".join([f"## {one_line(table.heading)}", "", *_lines(table)]) + "\n"


def _lines(table: Table) -> Iterator[str]:
    yield from (f"- {one_line(sentence)}" for sentence in table.caption)
    yield from (f"- Footnote {i}: {one_line(note)}." for i, note in enumerate(table.footnotes, start=1))
    yield from (f"- Note: {one_line(warning)}" for warning in table.warnings)
    yield ""
    yield from (f"- {one_line(row.label)}: run {row.run}" for row in table.rows if row.run)
