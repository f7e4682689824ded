"""Statistics as Markdown or on a terminal: the same words and numbers in both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from fusionbench.report.grid import Grid, render_grid
from fusionbench.report.markdown import escape
from fusionbench.report.statistics.sections import Lines, heading, sections
from fusionbench.report.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from fusionbench.report.statistics.summary import Summary

_PADDING = 2


def render(summaries: Iterable[Summary]) -> str:
    """Return the statistics as GitHub Markdown."""
    parts = []
    for summary in summaries:
        parts.append(f"## {escape(heading(summary))}\n")
        parts += [_markdown(section) for section in sections(summary)]
    return "\n".join(parts)


def print_statistics(summaries: Iterable[Summary], console: Console) -> None:
    """Print the statistics with rich; a table too wide for the terminal goes on in further blocks."""
    for summary in summaries:
        console.print(Text(one_line(heading(summary)), style="bold underline"))
        for section in sections(summary):
            console.print(Text(one_line(section.title), style="bold"))
            for block in _blocks(section, console.width):
                console.print(block)
            console.print()


def _markdown(section: Grid | Lines) -> str:
    if isinstance(section, Grid):
        return render_grid(section, "md")
    items = "\n".join(f"- {escape(line)}" for line in section.lines)
    return f"### {escape(section.title)}\n\n{items}\n"


def _blocks(section: Grid | Lines, width: int) -> Iterator[Table | Text]:
    if isinstance(section, Lines):
        yield from (Text(f"• {one_line(line)}") for line in section.lines)
        return
    for columns in _fitting(section, width):
        grid = Table(box=box.HORIZONTALS, pad_edge=False)
        for i in (0, *columns):
            grid.add_column(Text(section.header[i]), justify="right" if i >= section.names else "left")
        for row in section.rows:
            grid.add_row(*(Text(one_line(row[i])) for i in (0, *columns)))
        yield grid
    yield Text(one_line(section.caption), style="dim")


def _fitting(grid: Grid, width: int) -> Iterator[Sequence[int]]:
    """The columns behind the first by number, as many at a time as fit; at least one."""
    widths = [max(map(cell_len, column)) + _PADDING for column in zip(grid.header, *grid.rows, strict=True)]
    block: list[int] = []
    for i in range(1, len(widths)):
        if block and sum(widths[j] for j in (0, *block, i)) > width:
            yield block
            block = []
        block.append(i)
    yield block
