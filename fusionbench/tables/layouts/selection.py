"""The choice of records for one table, with labels of its rows in place of the methods' titles."""

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


class RowHead(NamedTuple):
    """A row's label, the texts before its cells, and its method's name as stored."""

    label: str
    leads: tuple[str, ...]
    method: str


@dataclass(frozen=True)
class Selection:
    """Records with distinct methods' names, and the rows by those names in their order.

    ``said`` is a sentence for the caption.
    """

    name: str
    stub: str
    leads: tuple[str, ...]
    records: tuple[Record, ...]
    lines: Mapping[str, RowHead]
    said: str = ""

    def label(self, table: Table) -> Table:
        """Return a table of these records with its rows in order and with their labels."""
        rows = {row.method: row for row in table.rows}
        labeled = [_labeled(rows[name], line) for name, line in self.lines.items() if name in rows]
        table = table.saying(self.said) if self.said else table
        return replace(table, rows=tuple(labeled), stub=self.stub, leads=self.leads)

    def head(self, table: Table) -> Table:
        return replace(table, name=f"{self.name}: {table.heading}")


def _labeled(row: Row, line: RowHead) -> Row:
    # random weights must be visible in every layout
    label = f"{line.label}, {RANDOM}" if row.label.endswith(RANDOM) else line.label
    return replace(row, label=label, leads=line.leads, method=line.method)


def base_of(record: Record) -> str:
    """Return a method's name without variants and settings."""
    return record["method"]["name"].partition("@")[0]


def settings_of(record: Record) -> list[str]:
    """Return the variants and settings in a method's name, such as "wo_fim", "levels=3", "seed=1", "from=msrs"."""
    return [part for part in re.split("[@+]", record["method"]["name"])[1:] if part]


def arguments_of(record: Record) -> dict[str, Any]:
    """Return the constructor arguments in a record."""
    return dict((record.get("config") or {}).get("args") or {})


def by_method(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return the records, except trivial baselines, by method without variants, sorted by name."""
    by_base: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record["method"]["name"]):
        if record["method"]["kind"] != "trivial":
            by_base.setdefault(base_of(record), []).append(record)
    return by_base


def title_of(records: Sequence[Record]) -> str:
    """Return the title of the method of the records, without variants."""
    return plain_title(records[0])


def ordered(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return names in the given order, then others sorted, a method itself after its variants."""
    place = {name: i for i, name in enumerate(order)}
    last = len(place)
    return sorted(names, key=lambda name: (place.get(name, last), "@" not in name, name))


def in_order(boards: Sequence[Board], order: Sequence[str]) -> list[Board]:
    """Return the boards sorted by their data sets in the given order, others at the end."""
    place = {name: i for i, name in enumerate(order)}
    return sorted(boards, key=lambda board: place.get(board.table.dataset, len(place)))


def text_of(value: Any) -> str:
    """Return a configuration value as text without quotes, with lists in brackets and whole numbers without a dot."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f"[{', '.join(map(text_of, value))}]" if isinstance(value, list | tuple) else str(value)


def frozen(value: Any) -> Any:
    """Return a configuration value in hashable form."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, frozen(item)) for key, item in value.items()))
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def distinct(values: Iterable[Any]) -> Iterator[Any]:
    """Yield each value once; True and 1 count as different."""
    met = set()
    for value in values:
        key = (type(value), frozen(value))
        if key not in met:
            met.add(key)
            yield value
