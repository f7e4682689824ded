"""Rows of a downstream table: the runs whose fused images train and test a network. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fusionbench.cells.store import Cell
from fusionbench.downstream.division import Division
from fusionbench.errors import DataNotFoundError, UnknownNameError
from fusionbench.tables.cells import Record
from fusionbench.tables.runs import newest_runs


@dataclass(frozen=True)
class DownstreamRow:
    """The fused images of a method: files by pair id for ``train`` and ``test``, in the division's order.

    ``cell`` is the run with the test images, in whose folder results are stored. ``lacks`` says why the row cannot be
    computed; it is empty if it can.
    """

    method: str
    label: str
    cell: Cell
    train: Mapping[str, Path] = field(default_factory=dict)
    test: Mapping[str, Path] = field(default_factory=dict)
    lacks: str = ""


def find_rows(
    records: Sequence[Record], division: Division, methods: Iterable[str] = ()
) -> list[DownstreamRow]:
    """Return a row for each method with a run on the division's test split, in the order of a leaderboard.

    ``records`` are those of `read_records`; ``methods`` are the names to include, all if empty. Raises
    DataNotFoundError if no record is a run of the split, UnknownNameError for a method without a run there.
    """
    of_test = _of_split(records, division, division.test_split)
    if not of_test:
        name = f"{division.spec.name} --split {division.test_split}"
        raise DataNotFoundError(
            f"The runs hold nothing of {division.spec.title} ({division.test_split}): `fusionbench run --dataset {name}` first."
        )
    of_train = (
        of_test if division.train_split == division.test_split else _of_split(records, division, "train")
    )
    known = {run.record["method"]["name"]: run for run in newest_runs(of_test)}
    for name in (wanted := tuple(methods)):
        if name not in known:
            raise UnknownNameError("method of these runs", name, known)
    rows = [
        _row(run.record, run.label, of_train, division)
        for name, run in known.items()
        if not wanted or name in wanted
    ]
    return sorted(rows, key=lambda row: _order(known[row.method].record))


def _of_split(records: Iterable[Record], division: Division, split: str) -> list[Record]:
    """Return the records of runs of a split that include all pairs of the division."""
    pairs = {pair.id for pair in (division.train if split == division.train_split else ())}
    pairs |= {pair.id for pair in (division.test if split == division.test_split else ())}
    return [
        record
        for record in records
        if (record["dataset"]["name"], record["dataset"]["split"]) == (division.spec.name, split)
        and pairs <= set(record["dataset"]["ids"])
    ]


def _order(record: Record) -> tuple[int, str]:
    kinds = ("learned", "classical", "external", "trivial")
    kind = record["method"]["kind"]
    return kinds.index(kind) if kind in kinds else 2, record["method"]["name"].casefold()


def _row(record: Record, label: str, of_train: Sequence[Record], division: Division) -> DownstreamRow:
    cell, method = Cell(Path(record["path"])), record["method"]["name"]
    source = record
    if division.train_split != division.test_split:
        same = [run.record for run in newest_runs(r for r in of_train if _same_method(r, record))]
        if not same:
            return DownstreamRow(method, label, cell, lacks=_no_train(method, division))
        source = same[0]
    train = {pair.id: Cell(Path(source["path"])).image(pair.id) for pair in division.train}
    test = {pair.id: cell.image(pair.id) for pair in division.test}
    gone = [name for files in (train, test) for name, path in files.items() if not path.is_file()]
    if gone:
        return DownstreamRow(
            method, label, cell,
            lacks=f"{len(gone)} of {len(train) + len(test)} images are not stored, the first is {gone[0]}: run {method} again",
        )  # fmt: skip
    return DownstreamRow(method, label, cell, train, test)


def _same_method(run: Record, other: Record) -> bool:
    """Tell whether two runs have the same method, with the same code, arguments and weights."""
    keys = ("method", "arguments", "weights")
    return run["method"]["name"] == other["method"]["name"] and all(
        run["identity"][key] == other["identity"][key] for key in keys
    )


def _no_train(method: str, division: Division) -> str:
    return (
        f"no fused images of the {division.train_split} split made with the same weights: `fusionbench run --method {method} "
        f"--dataset {division.spec.name} --split {division.train_split} --metrics EN` makes them"
    )
