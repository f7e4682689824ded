"""Warnings about misreading a table of fusion metrics, one sentence each with numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from fusionbench.errors import FusionbenchError
from fusionbench.metrics.tasks import is_task_metric
from fusionbench.statistics.agreement import kendall
from fusionbench.statistics.paired import PairedScores, paired_scores, scores_in_both
from fusionbench.tables.model import Column, Row, Table, TableCell, printed, shorten
from fusionbench.tables.runs import COPIES, SOURCES

if TYPE_CHECKING:
    from fusionbench.tables.board import Board
    from fusionbench.tables.model import Column


MOST = 3  # metrics spelled out with their numbers in one sentence


def lessons(
    board: Board, others: Sequence[Board] = (), *, canaries: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return one sentence, with numbers, for each of the following that a board shows.

    - a learned method below a trivial baseline;
    - a metric that prefers a canary to the method of which it is a worsened copy;
    - an order of methods that depends on the convention, if ``others`` have the same runs in other profiles;
    - rows whose weights have different origins.

    ``canaries`` maps a canary's name to that of its method, by default as in the cards of the installed methods.
    """
    known = canary_cards(board) if canaries is None else canaries
    return (
        *_below_trivial(board, known),
        *_canaries(board.table, known),
        *convention_lessons(board, others),
        *provenance_lessons(board),
    )


def canary_cards(board: Board) -> dict[str, str]:
    """Return the canaries among the trivial rows of a board, and the method of which each is a worsened copy."""
    from fusionbench.registry.methods import card

    canaries = {}
    for row in board.table.rows:
        if row.kind == "trivial":
            try:
                worsens = card(row.method).canary
            except FusionbenchError:  # a run of a method that is not installed on this machine
                continue
            if worsens:
                canaries[row.method] = worsens
    return canaries


def _below_trivial(board: Board, canaries: Mapping[str, str]) -> Iterator[str]:
    """Yield sentences on the metrics in which a trained method is below a trivial baseline, for each baseline on its own.

    Comparing with the best baseline in each metric would be unfair: the copy of a source wins the metrics that compare
    with that source.
    """
    table = board.table
    trivial = [row for row in table.rows if row.kind == "trivial" and row.method not in canaries]
    # the labels of a downstream task are of neither source
    compares = any(not is_task_metric(column.metric) for column in table.columns)
    sources = [record["weights"]["source"] for record in board.records]
    for row, source in zip(table.rows, sources, strict=True):
        if row.kind != "learned" or source == "random":  # untrained rows have a sentence of their own
            continue
        parts = [part for other in trivial if (part := _below(table.columns, row, other))]
        if parts:
            copies = compares and any(other.method in COPIES for other in trivial)
            why = "; a copy wins what compares with its source by construction" if copies else ""
            yield f"{row.label} was trained and is below trivial baselines: {'; '.join(parts)}{why}."


def _below(columns: Sequence[Column], row: Row, other: Row) -> str:
    """Return the metrics in which a row is below one baseline in words, empty if there are none."""
    both = [
        i for i in range(len(columns)) if row.cells[i].value is not None and other.cells[i].value is not None
    ]
    below = [
        f"{columns[i].metric} {row.cells[i].text} against {other.cells[i].text}"
        for i in both
        if _beats(columns[i], other.cells[i], row.cells[i])
    ]
    return (
        f"{other.label} in {len(below)} of {_counted(len(both), 'metric')} ({_first(below)})" if below else ""
    )


def _canaries(table: Table, canaries: Mapping[str, str]) -> Iterator[str]:
    """Yield sentences on metrics that prefer a canary to its method, with the number of methods below it."""
    rows = {row.method: row for row in table.rows}
    for canary, clean in canaries.items():
        if canary not in rows or clean not in rows:
            continue
        for i, column in enumerate(table.columns):
            worse, better = rows[canary].cells[i], rows[clean].cells[i]
            if _beats(column, worse, better):
                yield (
                    f"{column.metric} prefers {rows[canary].label} ({worse.text}) to {rows[clean].label} ({better.text}), "
                    f"of which it is a worsened copy{_others_below(table.rows, column, i, worse)}."
                )


def _others_below(rows: Sequence[Row], column: Column, i: int, canary: TableCell) -> str:
    methods = [row for row in rows if row.kind != "trivial" and row.cells[i].value is not None]
    below = sum(_beats(column, canary, row.cells[i]) for row in methods)
    return f", and to {below} of {_counted(len(methods), 'method')}" if below else ""


def _beats(column: Column, cell: TableCell, other: TableCell) -> bool:
    """Tell whether a cell is better by its printed digits, so that no sentence compares two equal numbers."""
    if cell.value is None or other.value is None or cell.text == other.text:
        return False
    return _oriented(column, cell) > _oriented(column, other)


def _oriented(column: Column, cell: TableCell) -> float:
    assert cell.value is not None
    return cell.value if column.better == "higher" else -cell.value


def _first(parts: Sequence[str]) -> str:
    more = [f"and {len(parts) - MOST} more"] if len(parts) > MOST else []
    return ", ".join([*parts[:MOST], *more])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# the form in which training writes the data into the note, the only place in a record that names them
_DATA = re.compile(r"\bon (\d+ (?:of \d+ )?.+? pairs)\b")


def provenance_lessons(board: Board) -> Iterator[str]:
    """Yield sentences on origins of weights if these differ, and on rows that were never trained."""
    weights = [
        (run.label, run.record["weights"]) for run in board.runs if run.record["status"] != "unavailable"
    ]
    learned = [(label, entry) for label, entry in weights if entry["source"] not in ("none", "random")]
    if len({_origin(entry) for _, entry in learned}) > 1:
        said = "; ".join(f"{label} {_origin(entry)}" for label, entry in learned)
        yield f"The weights of the {len(learned)} learned rows differ in origin, not in method alone: {said}."
    random = [label for label, entry in weights if entry["source"] == "random"]
    if random:
        rows = f"{len(random)} of {len(learned) + len(random)} rows with weights"
        yield f"{', '.join(random)}: random weights, never trained ({rows})."


def _origin(weights: dict[str, Any]) -> str:
    """Return the origin of weights and their training data in words, or their note if it does not name the data."""
    source = SOURCES.get(weights["source"], weights["source"])
    note = shorten(weights.get("note") or "", 100)
    data = _DATA.search(note)
    return f"{source}, {data[1] if data else note}".rstrip(", ")


@dataclass(frozen=True)
class Swap:
    """The change of order under another profile: the numbers of swapped and of all pairs, and one example in words."""

    profile: str
    count: int
    pairs: int
    tau: float
    words: str


def convention_lessons(board: Board, others: Sequence[Board]) -> Iterator[str]:
    """Yield a sentence on each metric whose order another profile changes, with an example under the one with most swaps."""
    for column in board.columns:
        swaps = [swap for other in others if (swap := _swap(board, other, column))]
        if swaps:
            most = max(swaps, key=lambda swap: swap.count)
            rest = ", ".join(swap.profile for swap in swaps if swap is not most)
            yield (
                f"The order in {column.metric} depends on the convention: {most.words}; {most.count} of {most.pairs} "
                f"pairs of methods swap (Kendall's tau {most.tau:.2f})"
                f"{f', some under {rest} too' if rest else ''}."
            )


def _swap(board: Board, other: Board, column: Column) -> Swap | None:
    """Return the change of order between two profiles, with the highest swapped pair as the example; None without any.

    Means are compared by printed digits: those that print alike have no order.
    """
    if column.metric not in {theirs.metric for theirs in other.columns}:
        return None
    here, there = scores_in_both(paired_scores(board, [column.metric]), paired_scores(other, [column.metric]))
    if not here.decidable:
        return None
    first, second = (
        np.round(comparison.oriented[0].mean(axis=1), column.digits) for comparison in (here, there)
    )
    order = np.argsort(-first, kind="stable")
    swaps = [(i, j) for i, j in combinations(order, 2) if first[i] > first[j] and second[i] < second[j]]
    if not swaps:
        return None
    i, j = swaps[0]
    profile = other.table.profile
    words = (
        f"under {board.table.profile} {_pair(here, i, j, column.digits)}, "
        f"under {profile} {_pair(there, j, i, column.digits)}"
    )
    tau = float(kendall(np.stack([first, second])[:, :, None])[0, 1])
    return Swap(profile, len(swaps), len(order) * (len(order) - 1) // 2, tau, words)


def _pair(comparison: PairedScores, better: int, worse: int, digits: int) -> str:
    means = comparison.values[0].mean(axis=1)
    return (
        f"{comparison.methods[better]} ({printed(means[better], digits)}) is ahead of "
        f"{comparison.methods[worse]} ({printed(means[worse], digits)})"
    )
