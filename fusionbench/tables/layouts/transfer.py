"""Transfer tables: a row for each training set, and a block of rows for each test set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fusionbench.errors import RequestError
from fusionbench.tables.cells import Record
from fusionbench.tables.layouts.selection import RowHead, Selection, by_method, settings_of, title_of


def select(records: Sequence[Record], _: Sequence[str], order: Sequence[str]) -> list[Selection]:
    """Return one selection for each method and variant trained on other data sets, with its runs trained on the same one.

    Raises RequestError if no record has a setting ``from=``.
    """
    selections = []
    for rows in by_method(records).values():
        variants: dict[str, list[Record]] = {}
        for record in rows:
            variants.setdefault(_without_source(record), []).append(record)
        selections += [
            _selection(name, rows, order) for name, rows in variants.items() if any(map(_source, rows))
        ]
    if not selections:
        raise RequestError(
            "No run there was learned on another data set: run with --train-dataset, or a sweep with train_datasets."
        )
    return selections


def _source(record: Record) -> str:
    return next((part.removeprefix("from=") for part in settings_of(record) if part.startswith("from=")), "")


def _without_source(record: Record) -> str:
    return re.sub(r"(?<=[@+])from=[^+]*\+?", "", record["method"]["name"]).rstrip("@+")


def _selection(variant: str, records: Sequence[Record], order: Sequence[str]) -> Selection:
    named = [(_row_name(variant, source), source, record) for source, record in _learned(records)]
    place = {name: i for i, name in enumerate(order)}
    rows = sorted(
        {(name, source) for name, source, _ in named}, key=lambda row: (place.get(row[0], len(place)), row[1])
    )
    lines = {name: RowHead(_title(source, records), (), name) for name, source in rows}
    renamed = [{**record, "method": {**record["method"], "name": name}} for name, _, record in named]
    settings = variant.partition("@")[2]
    what = f"{title_of(records)} @{settings}" if settings else title_of(records)
    return Selection(f"{what}, transfer", "Trained on", (), tuple(renamed), lines)


def _learned(records: Sequence[Record]) -> Iterator[tuple[str, Record]]:
    """Yield the training set of each record, and the record.

    A run whose name states its own data set as the training set replaces one whose name does not.
    """
    said = {(_source(record), record["dataset"]["name"]) for record in records}
    for record in records:
        home = record["dataset"]["name"]
        if source := _source(record):
            yield source, record
        elif record["weights"]["source"] == "trained" and (home, home) not in said:
            yield home, record


def _row_name(variant: str, source: str) -> str:
    return f"{variant}{'+' if '@' in variant else '@'}from={source}"


def _title(source: str, records: Sequence[Record]) -> str:
    """Return a data set's title, from the records if one is on it, else from the catalog."""
    from fusionbench.data.registry import datasets

    here = {record["dataset"]["name"]: record["dataset"]["title"] for record in records}
    known = datasets().get(source)
    return here.get(source) or (known.title if known else source)
