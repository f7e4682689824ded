"""A choice of records for one table, and what its rows are called instead of by their methods' titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fusionbench.tables.board import Board
from fusionbench.tables.cells import Record
from fusionbench.tables.model import Row, Table
from fusionbench.tables.runs import RANDOM, plain_title

YES = "✓"
OFF = (False, None, "none")


class Line(NamedTuple):
    """A row's label, the texts in front of its cells, and its method's name as stored."""

    label: str
    leads: tuple[str, ...]
    method: str


@dataclass(frozen=True)
class Selection:
    """Records whose methods' names tell the rows apart, and by those names the rows in their order.

    ``said`` is a sentence for the caption.
    """

    name: str
    stub: str
    leads: tuple[str, ...]
    records: tuple[Record, ...]
    lines: Mapping[str, Line]
    said: str = ""

    def label(self, table: Table) -> Table:
        """Return a table of these records with the rows in order and under their labels."""
        rows = {row.method: row for row in table.rows}
        labeled = [_labeled(rows[name], line) for name, line in self.lines.items() if name in rows]
        table = table.saying(self.said) if self.said else table
        return replace(table, rows=tuple(labeled), stub=self.stub, leads=self.leads)

    def head(self, table: Table) -> Table:
        return replace(table, name=f"{self.name}: {table.heading}")


def _labeled(row: Row, line: Line) -> Row:
    # what must stand in every table
    label = f"{line.label}, {RANDOM}" if row.label.endswith(RANDOM) else line.label
    return replace(row, label=label, leads=line.leads, method=line.method)


def base_of(record: Record) -> str:
    """Return the method's name without variants and settings."""
    return record["method"]["name"].partition("@")[0]


def settings_of(record: Record) -> list[str]:
    """Return the variants and settings in a method's name: "wo_fim", "levels=3", "seed=1", "from=msrs"."""
    return [part for part in re.split("[@+]", record["method"]["name"])[1:] if part]


def arguments_of(record: Record) -> dict[str, Any]:
    return dict((record.get("config") or {}).get("args") or {})


def by_method(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Sort the records of everything but trivial baselines by method without variant, in order of the names."""
    by_base: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record["method"]["name"]):
        if record["method"]["kind"] != "trivial":
            by_base.setdefault(base_of(record), []).append(record)
    return by_base


def title_of(records: Sequence[Record]) -> str:
    return plain_title(records[0])


def ordered(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return names as ``order`` has them; then others by name, a method itself after its variants."""
    place = {name: i for i, name in enumerate(order)}
    last = len(place)
    return sorted(names, key=lambda name: (place.get(name, last), "@" not in name, name))


def in_order(boards: Sequence[Board], order: Sequence[str]) -> list[Board]:
    """Return the boards by their data sets as ``order`` has them, others after these."""
    place = {name: i for i, name in enumerate(order)}
    return sorted(boards, key=lambda board: place.get(board.table.dataset, len(place)))


def text_of(value: Any) -> str:
    """Write a configuration value as a person would: no quotes, lists in brackets, whole numbers without a dot."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f"[{', '.join(map(text_of, value))}]" if isinstance(value, list | tuple) else str(value)


def frozen(value: Any) -> Any:
    """Return a configuration value in a form that can be a key."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, frozen(item)) for key, item in value.items()))
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def distinct(values: Iterable[Any]) -> Iterator[Any]:
    """Yield each value once; True and 1 are two values."""
    met = set()
    for value in values:
        key = (type(value), frozen(value))
        if key not in met:
            met.add(key)
            yield value
