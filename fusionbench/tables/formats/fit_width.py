"""Fitting tables to the width of a page in LaTeX: estimating widths, choosing a type size, dividing wide tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fusionbench.tables.model import Row, Table, TableCell

TEXT_WIDTH = 452  # points: the text of the article class with two columns on A4, the narrowest common one
TWO_COLUMNS = 400  # points of text width from which on two columns are assumed
COLUMN_GAP = 10  # points, \columnsep
PAGE_HEIGHT = 470  # points for the rows of a page, leaving space for caption and notes
LABEL_SHARE = 0.4  # of the width; longer labels are wrapped
# widths of characters of Computer Modern Roman in thousandths of an em
_WIDTHS = {
    278: "ijl.,:;'![]|",
    306: "f",
    333: "- ",
    361: "I",
    392: "rst()",
    444: "cez",
    500: "ago/0123456789–↑↓",
    528: "kqvxy",
    556: "bdhnpuS",
    625: "L",
    653: "F",
    681: "EP",
    722: "wCT",
    750: "BHKNRUVXYZJ",
    785: "ADGOQ",
    833: "m",
    917: "M",
    1028: "W",
}
EM = {char: width for width, chars in _WIDTHS.items() for char in chars}
WIDEST = 1000  # assumed for characters that are not listed
BOLD = 1.16  # relative width of bold digits
MARK = 420  # width of a character of a superscript in thousandths of an em


@dataclass(frozen=True)
class Size:
    """A type size: its command, points per em, half the gap between columns in points, points per line."""

    command: str
    em: float
    gap: int
    line: float


SIZES = (
    Size(r"\small", 9.26, 4, 11),
    Size(r"\footnotesize", 8.51, 3, 9.5),
    Size(r"\scriptsize", 7.98, 2, 8),
)


@dataclass(frozen=True)
class Fit:
    """The typesetting of a table: environment, type size, and the column numbers of each block, from top to bottom.

    ``label`` is the width in points at which labels are wrapped, None if they are not.
    """

    environment: str
    size: Size
    blocks: tuple[tuple[int, ...], ...]
    label: int | None = None


def fitting(table: Table, width: float = TEXT_WIDTH) -> Fit:
    """Return the largest type that fits a text of ``width`` points, in a single column of a text with two if possible.

    A table that is too wide in the smallest type is divided into as few blocks as possible, between groups of columns if
    the groups fit.
    """
    across = "table*" if width > TWO_COLUMNS else "table"
    if across == "table*":
        column = (width - COLUMN_GAP) / 2
        for size in SIZES[
            :2
        ]:  # the smallest type is used only if a table does not fit the whole width otherwise
            blocks, label = _divided(table, size, column)
            if len(blocks) == 1:
                return Fit("table", size, blocks, label)
    divided = [(size, *_divided(table, size, width)) for size in SIZES]
    fewest = min(len(blocks) for _, blocks, _ in divided)
    size, blocks, label = next(entry for entry in divided if len(entry[1]) == fewest)
    return Fit(across, size, blocks, label)


def floats(table: Table, fit: Fit) -> list[tuple[tuple[int, ...], ...]]:
    """Return the blocks of each page: as many as fit its height, at least one."""
    height = fit.size.line * (len(table.rows) + len(table.groups) + 3)
    count = max(1, int(PAGE_HEIGHT // height))
    return [fit.blocks[i : i + count] for i in range(0, len(fit.blocks), count)]


def _divided(table: Table, size: Size, room: float) -> tuple[tuple[tuple[int, ...], ...], int | None]:
    """Return blocks of columns that fit, and the width at which to wrap labels or None."""
    label = int(LABEL_SHARE * room) if _label(table, size) > LABEL_SHARE * room else None
    everything = tuple(range(len(table.columns)))
    if _total(table, everything, size, label) <= room:
        return (everything,), label
    units = _units(table, size, room, label)
    fewest = len(_packed(table, units, size, room, label))
    # equal blocks are easier to read than full ones and a rest, unless one of them is then too wide
    even = -(-len(units) // fewest)
    equal = [units[i : i + even] for i in range(0, len(units), even)]
    blocks = [tuple(i for unit in block for i in unit) for block in equal]
    if any(_total(table, block, size, label) > room for block in blocks):
        blocks = _packed(table, units, size, room, label)
    return tuple(blocks), label


def _units(table: Table, size: Size, room: float, label: int | None) -> list[tuple[int, ...]]:
    """Return the columns that must stay together: groups of columns if each of them fits, else single columns."""
    groups, start = [], 0
    for _, count in table.spans:
        groups.append(tuple(range(start, start + count)))
        start += count
    if groups and all(_total(table, group, size, label) <= room for group in groups):
        return groups
    return [(i,) for i in range(len(table.columns))]


def _packed(
    table: Table, units: Sequence[tuple[int, ...]], size: Size, room: float, label: int | None
) -> list[tuple[int, ...]]:
    """Return the units packed into blocks, one filled after the other."""
    blocks: list[tuple[int, ...]] = []
    for unit in units:
        if blocks and _total(table, (*blocks[-1], *unit), size, label) <= room:
            blocks[-1] += unit
        else:
            blocks.append(unit)
    return blocks


def _total(table: Table, columns: Sequence[int], size: Size, label: int | None = None) -> float:
    """Return the width in points of labels, leads and the columns with these numbers."""
    names = label if label is not None else _label(table, size)
    leads = [max(map(_em, texts)) * size.em for texts in _leads(table)]
    numbers = [_column(table, i) * size.em for i in columns]
    count = 1 + len(leads) + len(numbers)
    return names + sum(leads) + sum(numbers) + _too_short(table, columns, size) + 2 * size.gap * count


def _too_short(table: Table, columns: Sequence[int], size: Size) -> float:
    """Return by how many points the titles of groups are wider than the columns below them."""
    extra = 0.0
    for group in dict.fromkeys(table.columns[i].group for i in columns):
        below = [i for i in columns if table.columns[i].group == group]
        held = sum(_column(table, i) * size.em for i in below) + 2 * size.gap * (len(below) - 1)
        extra += max(0.0, _em(group) * size.em - held)
    return extra


def _label(table: Table, size: Size) -> float:
    return max([_em(table.stub), *(_row(table, row) for row in table.rows)]) * size.em


def _row(table: Table, row: Row) -> float:
    cite = _em("[99]") + EM[" "] / 1000 if row.cite else 0
    return _em(row.label) + cite + _marks(table, row.notes)


def _leads(table: Table) -> list[tuple[str, ...]]:
    return list(zip(table.leads, *(row.leads for row in table.rows), strict=True)) if table.leads else []


def _column(table: Table, i: int) -> float:
    """Return the width of a column of numbers in ems."""
    header = _em(table.columns[i].metric) + _em(f" {table.columns[i].arrow}")
    return max([header, *(_cell(table, row.cells[i]) for row in table.rows)])


def _cell(table: Table, cell: TableCell) -> float:
    number = _em(cell.text) * (BOLD if cell.rank == 1 else 1)
    number += 0.45 * cell.text.count("-")  # a minus sign is wider than a hyphen
    spread = _em(f" {cell.spread}") if cell.spread else 0
    return number + spread + (0.5 if cell.tied else 0) + _marks(table, (cell.note,))


def _marks(table: Table, notes: Sequence[str]) -> float:
    return MARK * len(table.marks(notes)) / 1000


def _em(text: str) -> float:
    return sum(EM.get(char, WIDEST) for char in text) / 1000
