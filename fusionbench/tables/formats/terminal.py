"""Tables on a terminal, printed with Rich; a table that is too wide is continued in further blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from fusionbench.tables.model import Row, Table, TableCell, one_line

_PADDING = 2


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Print all tables with heading, caption and footnotes; no number is ever truncated."""
    for table in tables:
        console.print(Text(one_line(table.heading), style="bold"))
        for columns in _blocks(table, console.width):
            console.print(_grid(table, columns))
        for number, note in enumerate(table.footnotes, start=1):
            console.print(Text(f"[{number}] {one_line(note)}."))
        console.print(Text(" ".join(table.caption), style="dim"))
        for warning in table.warnings:
            console.print(Text(f"Note: {one_line(warning)}"))
        console.print()


def _blocks(table: Table, width: int) -> Iterator[list[int]]:
    """Yield the numbers of the columns of each block, as many as fit beside the methods' names, at least one."""
    names = max(cell_len(_label(table, row).plain) for row in table.rows) + 2 * _PADDING
    names += sum(max(map(cell_len, texts)) + _PADDING for texts in _leads(table))
    block: list[int] = []
    used = names
    for i, wide in enumerate(_width(table, i) + _PADDING for i in range(len(table.columns))):
        if block and used + wide > width:
            yield block
            block, used = [], names
        block.append(i)
        used += wide
    yield block


def _width(table: Table, i: int) -> int:
    cells = [_cell(table, row.cells[i]).plain for row in table.rows]
    return max(cell_len(text) for text in (*_header(table, i).splitlines(), *cells))


def _leads(table: Table) -> list[tuple[str, ...]]:
    """Return the texts of each column between labels and numbers, with its header first."""
    return list(zip(table.leads, *(row.leads for row in table.rows), strict=True)) if table.leads else []


def _header(table: Table, i: int) -> str:
    column = table.columns[i]
    name = f"{one_line(column.metric)} {column.arrow}"
    return f"{one_line(column.group)}\n{name}" if column.group else name


def _grid(table: Table, columns: Sequence[int]) -> Grid:
    grid = Grid(box=box.HORIZONTALS, pad_edge=False)
    grid.add_column(Text(one_line(table.stub)), overflow="fold")
    for lead in table.leads:
        grid.add_column(Text(one_line(lead)), overflow="fold")
    for i in columns:
        grid.add_column(Text(_header(table, i)), justify="right", no_wrap=True)
    for group in table.groups:
        for row in group:
            leads = (Text(one_line(lead)) for lead in row.leads)
            grid.add_row(_label(table, row), *leads, *(_cell(table, row.cells[i]) for i in columns))
        grid.add_section()
    return grid


def _label(table: Table, row: Row) -> Text:
    return Text(one_line(row.label) + "".join(f" [{table.number(note)}]" for note in row.notes))


def _cell(table: Table, cell: TableCell) -> Text:
    mark = f" [{table.number(cell.note)}]" if cell.note else ""
    if cell.value is None:
        return Text(cell.text + mark)
    # a span instead of the text's style, which Rich would also apply to the padding
    number = Text().append(cell.text, {1: "bold", 2: "underline"}.get(cell.rank or 0))
    return (
        number.append("†" if cell.tied else "").append(f" {cell.spread}" if cell.spread else "").append(mark)
    )
