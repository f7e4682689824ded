"""What a leaderboard table holds, apart from any output format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Column:
    """One metric; ``version`` is the newest that was scored and ``older`` the others, which are not shown."""

    metric: str
    title: str
    better: Literal["higher", "lower"]
    digits: int
    version: str = ""
    older: tuple[str, ...] = ()

    @property
    def arrow(self) -> str:
        return "↑" if self.better == "higher" else "↓"


@dataclass(frozen=True)
class Cell:
    """The mean of one metric over all pairs, or None where not every pair has an ok score.

    ``text`` is what is printed, ``ok`` the number of pairs with a score, ``status`` and ``detail`` the most
    frequent reason among the others. ``rank`` counts distinct printed values, 1 = best; None without a value.
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


@dataclass(frozen=True)
class Row:
    method: str
    label: str
    kind: str
    run: str
    status: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One set of pairs, one profile; ``data`` is the hash of the pairs' content, ``split_hash`` of their ids.

    ``coverage`` says in words how much of the split that is.
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

    @property
    def heading(self) -> str:
        return f"{self.title}, {self.split} split, {self.coverage}"

    @property
    def groups(self) -> list[tuple[Row, ...]]:
        """The rows above and below the rule: methods, then trivial baselines. Empty groups are left out."""
        methods = tuple(row for row in self.rows if row.kind != "trivial")
        baselines = tuple(row for row in self.rows if row.kind == "trivial")
        return [group for group in (methods, baselines) if group]

    @property
    def footnotes(self) -> list[str]:
        """Every note once, in the order in which a reader meets it."""
        met = (note for row in self.rows for note in (*row.notes, *(cell.note for cell in row.cells)) if note)
        return list(dict.fromkeys(met))

    def number(self, note: str) -> int:
        """Return the number under which a note of this table is printed, counted from 1."""
        return self.footnotes.index(note) + 1


def to_json(tables: Iterable[Table]) -> list[dict[str, Any]]:
    """Return the tables as dictionaries, lists, strings, numbers and None only; never NaN."""
    return [_document(table) for table in tables]


def _document(table: Table) -> dict[str, Any]:
    document = asdict(table)
    document["caption"] = " ".join(table.caption)
    document["footnotes"] = table.footnotes
    document["columns"] = [asdict(column) | {"older": list(column.older)} for column in table.columns]
    document["rows"] = [
        asdict(row) | {"cells": [asdict(cell) for cell in row.cells], "notes": list(row.notes)}
        for row in table.rows
    ]
    return document
