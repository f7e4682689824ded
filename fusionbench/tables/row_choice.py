"""Choosing records, and the rows of a table with their order and the one marked as ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.spelling import folded, spelled
from fusionbench.tables.cells import Record
from fusionbench.tables.model import Row, Table
from fusionbench.tables.runs import plain_title
from fusionbench.types import FAMILIES

R = TypeVar("R", bound=Record)
OURS = " (ours)"
BASELINES = "baselines"


@dataclass(frozen=True)
class RowChoice:
    """The choice of rows; methods are named by a row's name, the part of it before @, or its title.

    ``methods`` are the rows to show (empty: all; "baselines" stands for the trivial ones), ``order`` those that come
    first, ``ours`` the one that is marked and comes last. ``baselines`` keeps the trivial ones if ``methods`` is empty.
    ``pairs`` keeps only runs on that number of pairs.
    """

    methods: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    ours: str = ""
    baselines: bool = True
    pairs: int | None = None


def select_records(
    records: Sequence[R],
    datasets: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    split: str | None = None,
) -> list[R]:
    """Return the records on the data sets (names, families or "all"), of the methods and split; None means any.

    Raises UnknownNameError for a name that is neither in the records nor in the catalog, and RequestError if no record is
    left.
    """
    kept = list(records)
    if methods is not None:
        known = {record["method"]["name"] for record in records}
        wanted = {spelled(name, known, "method of these runs") for name in methods}
        kept = _keep(kept, "method", wanted, lambda record: [record["method"]["name"]])
    if datasets is not None:
        here = {record["dataset"]["name"] for record in records}
        wanted = {_dataset_name(name, here) for name in datasets}
        kept = _keep(
            kept,
            "data set",
            wanted,
            lambda record: [record["dataset"]["name"], record["dataset"]["family"], "all"],
        )
    return (
        kept if split is None else _keep(kept, "split", {split}, lambda record: [record["dataset"]["split"]])
    )


def _keep(records: Sequence[R], what: str, wanted: set[str], names: Callable[[R], list[str]]) -> list[R]:
    kept = [record for record in records if not wanted.isdisjoint(names(record))]
    if not kept:
        here = ", ".join(sorted({names(record)[0] for record in records}))
        raise RequestError(
            f"No record of {what} '{', '.join(sorted(wanted))}' there: the folders hold {here}."
        )
    return kept


def _dataset_name(asked: str, here: Collection[str]) -> str:
    from fusionbench.data.registry import dataset
    from fusionbench.data.spec import canonical

    family = canonical(asked)
    return asked if asked in here else family if family in (*FAMILIES, "all") else dataset(asked).name


def choose_rows(records: Sequence[dict[str, Any]], choice: RowChoice) -> tuple[list[dict[str, Any]], str]:
    """Return the records of the rows to show, and a sentence on those that are hidden, empty if there are none.

    Raises UnknownNameError for a method without a record, RequestError if no record is left.
    """
    for name in (*choice.methods, *choice.order, *filter(None, [choice.ours])):
        if not any(_named(name, _names(record)) for record in records):
            raise UnknownNameError("row", name, sorted({record["method"]["name"] for record in records}))
    sizes = sorted({len(record["dataset"]["ids"]) for record in records})
    kept = [record for record in records if _wanted(record, choice)]
    if not kept:
        raise RequestError(
            f"No run is left of those chosen: the runs there are on {', '.join(map(str, sizes))} pairs; "
            "choose others with --methods, --pairs or --dataset."
        )
    shown = {record["method"]["name"] for record in kept}
    hidden = sorted({record["method"]["name"] for record in records} - shown)
    said = f"Left out by choice: {', '.join(hidden)}." if hidden else ""
    if choice.pairs is not None and len(sizes) > 1:
        others = ", ".join(str(size) for size in sizes if size != choice.pairs)
        said = f"{said} Left out by choice: runs on {others} pairs.".strip()
    return kept, said


def arrange(table: Table, choice: RowChoice) -> Table:
    """Return the table with the rows of each block in the chosen order, and ours marked."""
    order = choice.order or choice.methods
    blocks = {block: i for i, block in enumerate(dict.fromkeys(row.block for row in table.rows))}

    def key(row: Row) -> tuple[int, bool, int]:
        names = _spelled(row.method, row.label)
        place = next((i for i, name in enumerate(order) if _named(name, names)), len(order))
        last = (
            bool(choice.ours)
            and _named(choice.ours, names)
            and not any(_named(name, names) for name in choice.order)
        )
        return blocks[row.block], last, place

    rows = sorted(table.rows, key=key)
    if choice.ours:
        rows = [
            replace(row, label=row.label + OURS)
            if _named(choice.ours, _spelled(row.method, row.label))
            else row
            for row in rows
        ]
    return replace(table, rows=tuple(rows))


def _wanted(record: Record, choice: RowChoice) -> bool:
    names = _names(record)
    named = any(_named(name, names) for name in (*choice.methods, choice.ours))
    wanted = named if choice.methods else choice.baselines or record["method"]["kind"] != "trivial"
    return wanted and choice.pairs in (None, len(record["dataset"]["ids"]))


def _names(record: Record) -> set[str]:
    method = record["method"]
    group = {BASELINES} if method["kind"] == "trivial" else set()
    return _spelled(method["name"], method.get("title") or "", plain_title(record)) | group


def _spelled(name: str, *titles: str) -> set[str]:
    base = name.partition("@")[0]
    own = {name, base, *titles} | ({base.removeprefix("images-")} if base.startswith("images-") else set())
    return {folded(text) for text in own if text}


def _named(asked: str, names: set[str]) -> bool:
    return folded(asked) in names
