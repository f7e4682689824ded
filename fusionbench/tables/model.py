"""What a leaderboard table holds, apart from any output format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

# kinds of rows that stand below the methods, each in a group of its own
_COMMAND = re.compile("`[^`]+`")
HEADINGS = {"trivial": "Trivial baselines", "reported": "Reported by papers"}


@dataclass(frozen=True)
class Column:
    """One metric; ``version`` is the newest that was scored and ``older`` the others, which are not shown.

    ``group`` heads neighboring columns that belong together, such as those of one data set. With ``per`` "set" a
    cell is one value for all images of its row, computed with the towers and the kernel that ``setting`` names.
    ``range`` holds the metric's bounds, None where it has none.
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
class Cell:
    """The mean of one metric over all pairs, or None where not every pair has an ok score.

    ``text`` is what is printed, ``ok`` the number of pairs with a score, ``status`` and ``detail`` the most
    frequent reason among the others. ``rank`` counts distinct printed values, 1 = best; None without a value.
    ``sd`` and ``interval`` are set where they were asked for, and ``spread`` is what is printed of them behind
    the value. ``tied`` says whether a cell is not significantly worse than the best; None untested.
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

    ``leads`` are texts between the label and the cells, under ``Table.leads``. Neighboring rows of one ``block``
    stand together between two rules. ``cite`` is the key of the method's entry in a bibliography.
    """

    method: str
    label: str
    kind: str
    run: str
    status: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    block: str = ""
    cite: str = ""


@dataclass(frozen=True)
class Table:
    """One set of pairs, one profile; ``data`` is the hash of the pairs' content, ``split_hash`` of their ids.

    ``coverage`` says in words how much of the split that is. ``warnings`` are the notes below the caption.
    ``name`` replaces the heading, ``stub`` heads the labels of the rows. ``parts`` are the tables of single
    sets of pairs that one over several was made from; its own facts on pairs are theirs, joined. ``brief`` is the
    caption in short, for a paper; without it the caption is all there is.
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
        """The rows between two rules: methods by block, trivial baselines, printed rows. Empty ones are left out."""
        apart = {kind: tuple(row for row in self.rows if row.kind == kind) for kind in HEADINGS}
        methods = [row for row in self.rows if row.kind not in HEADINGS]
        blocks = [tuple(rows) for _, rows in groupby(methods, key=lambda row: row.block)]
        return [*blocks, *filter(None, apart.values())]

    def banner(self, group: tuple[Row, ...]) -> str:
        """Return what is written above a group of rows; nothing where its rows say it themselves."""
        first = group[0]
        return HEADINGS.get(first.kind, "" if first.block in first.leads else first.block)

    @property
    def spans(self) -> list[tuple[str, int]]:
        """Neighboring columns of one group: its title and their number; nothing where no column has a group."""
        if not any(column.group for column in self.columns):
            return []
        return [(group, len(list(cs))) for group, cs in groupby(self.columns, key=lambda c: c.group)]

    @property
    def runs(self) -> set[str]:
        """The runs behind the rows, of all parts."""
        return {row.run for table in self.parts or (self,) for row in table.rows if row.run}

    @property
    def footnotes(self) -> list[str]:
        """Every note once, in the order in which a reader meets it."""
        met = (note for row in self.rows for note in (*row.notes, *(cell.note for cell in row.cells)) if note)
        return list(dict.fromkeys(met))

    def number(self, note: str) -> int:
        """Return the number under which a note of this table is printed, counted from 1."""
        return self.footnotes.index(note) + 1

    def saying(self, sentence: str, brief: str | None = None) -> Table:
        """Return the table with a sentence more in its captions; ``brief`` where the short one has it in other words."""
        short = (*self.brief, sentence if brief is None else brief) if self.brief else ()
        return replace(self, caption=(*self.caption, sentence), brief=tuple(filter(None, short)))

    def marks(self, notes: Iterable[str]) -> str:
        """Return the numbers of notes in order as they are printed behind a label or cell: "1, 2"."""
        return ", ".join(str(self.number(note)) for note in notes if note)


def to_json(tables: Iterable[Table]) -> list[dict[str, Any]]:
    """Return the tables as dictionaries, lists, strings, numbers and None only; never NaN. Parts are left out."""
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


def _cell(cell: Cell) -> dict[str, Any]:
    return asdict(cell) | {"interval": list(cell.interval) if cell.interval else None}


def printed(value: float, digits: int) -> str:
    """Return the value with a fixed number of decimals; zero never carries a minus sign."""
    text = f"{value:.{digits}f}"
    return text if Decimal(text) else text.removeprefix("-")


def ranks(texts: Sequence[str | None], better: str) -> list[int | None]:
    """Rank printed values, 1 = best; equal digits share a rank and the next distinct value gets the next one.

    None (a cell without a value) has no rank and does not count.
    """
    distinct = sorted({Decimal(text) for text in texts if text is not None}, reverse=better == "higher")
    place = {value: rank for rank, value in enumerate(distinct, start=1)}
    return [None if text is None else place[Decimal(text)] for text in texts]


def mean_places(texts: Sequence[str | None], better: str) -> list[float | None]:
    """Rank printed values, 1 = best; equal digits share the mean of the ranks they take up, None has no rank."""
    values = [None if text is None else Decimal(text) for text in texts]
    known = sorted((value for value in values if value is not None), reverse=better == "higher")
    first = {value: i for i, value in reversed(list(enumerate(known, start=1)))}
    uses = Counter(known)
    return [None if value is None else first[value] + (uses[value] - 1) / 2 for value in values]


def rank_column(column: Column, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells of one metric, all rows of a table, with their ranks."""
    places = ranks([None if cell.value is None else cell.text for cell in cells], column.better)
    return [replace(cell, rank=place) for cell, place in zip(cells, places, strict=True)]


def one_line(text: str) -> str:
    """Collapse line breaks and runs of blanks, and drop control and other unprintable characters."""
    return " ".join("".join(char for char in text if char.isprintable() or char.isspace()).split())


def shorten(text: str, width: int = 120) -> str:
    """Cut a message to ``width`` characters on one line; commands in backticks are kept whole, behind the cut."""
    line = one_line(text).rstrip(".")
    if len(line) <= width:
        return line
    head = line[: width - 1]
    if head.count("`") % 2:
        head = head[: head.rindex("`")]
    elif not line[width - 1].isspace() and head.rfind(" ") > width // 2:
        head = head[: head.rindex(" ")]  # no word in half
    commands = _COMMAND.findall(line, len(head))
    return " ".join([head.rstrip(" ,;:(") + "…", *commands])
