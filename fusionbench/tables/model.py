"""The content of leaderboard tables, independent of output formats."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

# kinds of rows below the methods, each in its own group
_COMMAND = re.compile("`[^`]+`")
HEADINGS = {"trivial": "Trivial baselines", "reported": "Reported by papers"}


@dataclass(frozen=True)
class Column:
    """One metric; ``version`` is the newest scored version, and ``older`` are the others, which are not shown.

    ``group`` is the title of neighbouring columns that belong together, such as those of one data set. With ``per`` "set"
    a cell is one value for all images of its row, computed with ``setting`` (towers and kernel). ``range`` has the
    metric's bounds, None if it has none.
    """

    metric: str
    title: str
    better: Literal["higher", "lower"]
    digits: int
    version: str = ""
    older: tuple[str, ...] = ()
    group: str = ""
    per: Literal["image", "set"] = "image"
    setting: str = ""
    range: tuple[float | None, float | None] = (None, None)

    @property
    def arrow(self) -> str:
        return "↑" if self.better == "higher" else "↓"


@dataclass(frozen=True)
class TableCell:
    """The mean of one metric over all pairs, None unless every pair has an ok score.

    ``text`` is printed. ``ok`` is the number of pairs with a score, ``status`` and ``detail`` are the most frequent reason
    for missing ones. ``rank`` counts distinct printed values, 1 = best, None without a value. ``sd`` and ``interval`` are
    set on request, and ``spread`` is their text after the value. ``tied`` says whether the cell is not significantly worse
    than the best, None if that was not tested.
    """

    metric: str
    value: float | None
    text: str
    ok: int
    pairs: int
    status: str
    detail: str = ""
    rank: int | None = None
    note: str = ""
    sd: float | None = None
    interval: tuple[float, float] | None = None
    spread: str = ""
    tied: bool | None = None


@dataclass(frozen=True)
class Row:
    """One method, or one setting of it.

    ``leads`` are texts between label and cells, in the columns ``Table.leads``. Neighbouring rows with the same ``block``
    are between two rules. ``cite`` is the key of the method in a bibliography.
    """

    method: str
    label: str
    kind: str
    run: str
    status: str
    cells: tuple[TableCell, ...]
    notes: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    block: str = ""
    cite: str = ""


@dataclass(frozen=True)
class Table:
    """The table of one set of pairs and one profile.

    ``data`` is the hash of the pairs' content, ``split_hash`` that of their ids; ``coverage`` says in words how many of
    the split's pairs these are. ``warnings`` are notes below the caption. ``name`` replaces the heading; ``stub`` is the
    header of the labels. A table over several sets of pairs has the tables of each as ``parts``, and its own fields on
    pairs are theirs, joined. ``brief`` is a short caption for papers; if it is empty, there is only ``caption``.
    """

    dataset: str
    title: str
    split: str
    coverage: str
    pairs: int
    limit: int | None
    profile: str
    split_hash: str
    data: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    name: str = ""
    stub: str = "Method"
    leads: tuple[str, ...] = ()
    parts: tuple[Table, ...] = ()
    brief: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        return self.name or f"{self.title}, {self.split} split, {self.coverage}"

    @property
    def groups(self) -> list[tuple[Row, ...]]:
        """The rows between two rules: methods by block, trivial baselines, printed rows; without empty groups."""
        apart = {kind: tuple(row for row in self.rows if row.kind == kind) for kind in HEADINGS}
        methods = [row for row in self.rows if row.kind not in HEADINGS]
        blocks = [tuple(rows) for _, rows in groupby(methods, key=lambda row: row.block)]
        return [*blocks, *filter(None, apart.values())]

    def banner(self, group: tuple[Row, ...]) -> str:
        """Return the title above a group of rows, empty if the rows themselves contain it."""
        first = group[0]
        return HEADINGS.get(first.kind, "" if first.block in first.leads else first.block)

    @property
    def spans(self) -> list[tuple[str, int]]:
        """The title of each group of neighbouring columns and their number; empty if no column has a group."""
        if not any(column.group for column in self.columns):
            return []
        return [(group, len(list(cs))) for group, cs in groupby(self.columns, key=lambda c: c.group)]

    @property
    def runs(self) -> set[str]:
        """The ids of the runs behind the rows, of all parts."""
        return {row.run for table in self.parts or (self,) for row in table.rows if row.run}

    @property
    def footnotes(self) -> list[str]:
        """Every note once, in reading order."""
        met = (note for row in self.rows for note in (*row.notes, *(cell.note for cell in row.cells)) if note)
        return list(dict.fromkeys(met))

    def number(self, note: str) -> int:
        """Return the number of a note in this table, from 1 on."""
        return self.footnotes.index(note) + 1

    def saying(self, sentence: str, brief: str | None = None) -> Table:
        """Return the table with a sentence added to its captions; ``brief`` is the wording for the short one, if it differs."""
        short = (*self.brief, sentence if brief is None else brief) if self.brief else ()
        return replace(self, caption=(*self.caption, sentence), brief=tuple(filter(None, short)))

    def marks(self, notes: Iterable[str]) -> str:
        """Return the numbers of notes as printed after a label or cell, such as "1, 2"."""
        return ", ".join(str(self.number(note)) for note in notes if note)


def to_json(tables: Iterable[Table]) -> list[dict[str, Any]]:
    """Return the tables as dictionaries, lists, strings, numbers and None, never NaN, without their parts."""
    return [_document(table) for table in tables]


def _document(table: Table) -> dict[str, Any]:
    document = asdict(replace(table, parts=()))
    del document["parts"]
    document["caption"] = " ".join(table.caption)
    document["brief"] = " ".join(table.brief)
    document |= {"heading": table.heading, "footnotes": table.footnotes, "warnings": list(table.warnings)}
    document["leads"] = list(table.leads)
    document["columns"] = [
        asdict(column) | {"older": list(column.older), "range": list(column.range)}
        for column in table.columns
    ]
    document["rows"] = [
        asdict(row)
        | {"cells": [_cell(cell) for cell in row.cells], "notes": list(row.notes), "leads": list(row.leads)}
        for row in table.rows
    ]
    return document


def _cell(cell: TableCell) -> dict[str, Any]:
    return asdict(cell) | {"interval": list(cell.interval) if cell.interval else None}


def printed(value: float, digits: int) -> str:
    """Return the value with a fixed number of decimals; zero has no minus sign."""
    text = f"{value:.{digits}f}"
    return text if Decimal(text) else text.removeprefix("-")


def ranks(texts: Sequence[str | None], better: str) -> list[int | None]:
    """Return dense ranks of printed values, 1 = best: equal texts share a rank, the next distinct value has the next.

    Printed values are ranked, because a reader could not understand a difference that is not printed. None (a cell
    without a value) has no rank and does not count.
    """
    distinct = sorted({Decimal(text) for text in texts if text is not None}, reverse=better == "higher")
    place = {value: rank for rank, value in enumerate(distinct, start=1)}
    return [None if text is None else place[Decimal(text)] for text in texts]


def mean_places(texts: Sequence[str | None], better: str) -> list[float | None]:
    """Return ranks of printed values, 1 = best; equal values share the mean of their ranks, None has no rank."""
    values = [None if text is None else Decimal(text) for text in texts]
    known = sorted((value for value in values if value is not None), reverse=better == "higher")
    first = {value: i for i, value in reversed(list(enumerate(known, start=1)))}
    uses = Counter(known)
    return [None if value is None else first[value] + (uses[value] - 1) / 2 for value in values]


def rank_column(column: Column, cells: Sequence[TableCell]) -> list[TableCell]:
    """Return the cells of one column of a table with their ranks."""
    places = ranks([None if cell.value is None else cell.text for cell in cells], column.better)
    return [replace(cell, rank=place) for cell, place in zip(cells, places, strict=True)]


def one_line(text: str) -> str:
    """Return a text with line breaks and runs of blanks as single blanks, without unprintable characters."""
    return " ".join("".join(char for char in text if char.isprintable() or char.isspace()).split())


def shorten(text: str, width: int = 120) -> str:
    """Return a message in one line of ``width`` characters, followed by commands in backticks that were cut off."""
    line = one_line(text).rstrip(".")
    if len(line) <= width:
        return line
    head = line[: width - 1]
    if head.count("`") % 2:
        head = head[: head.rindex("`")]
    elif not line[width - 1].isspace() and head.rfind(" ") > width // 2:
        head = head[: head.rindex(" ")]  # end with a complete word
    commands = _COMMAND.findall(line, len(head))
    return " ".join([head.rstrip(" ,;:(") + "…", *commands])
