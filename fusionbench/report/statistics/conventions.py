"""Where the order of the methods depends on whose definition of a metric is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from fusionbench.report.marks import printed
from fusionbench.report.statistics.agreement import kendall
from fusionbench.report.statistics.paired import Comparison, compare, shared

if TYPE_CHECKING:
    from fusionbench.report.board import Board
    from fusionbench.report.table import Column


@dataclass(frozen=True)
class Swap:
    """What another profile makes of the order: how many pairs swap, of how many, and one of them in words."""

    profile: str
    count: int
    pairs: int
    tau: float
    words: str


def convention_lessons(board: Board, others: Sequence[Board]) -> Iterator[str]:
    """Say of each metric whose order another profile changes two methods that swap, under the one that swaps most."""
    for column in board.columns:
        found = [swap for other in others if (swap := _swap(board, other, column))]
        if found:
            most = max(found, key=lambda swap: swap.count)
            rest = ", ".join(swap.profile for swap in found if swap is not most)
            yield (
                f"The order in {column.metric} depends on the convention: {most.words}; {most.count} of {most.pairs} "
                f"pairs of methods swap (Kendall's tau {most.tau:.2f})"
                f"{f', some under {rest} too' if rest else ''}."
            )


def _swap(board: Board, other: Board, column: Column) -> Swap | None:
    """Name the pair that is swapped, of several the one that stands highest under the first profile.

    By the printed digits: means that print alike are in no order.
    """
    if column.metric not in {theirs.metric for theirs in other.columns}:
        return None
    here, there = shared(compare(board, [column.metric]), compare(other, [column.metric]))
    if not here.decidable:
        return None
    first, second = (np.round(found.oriented[0].mean(axis=1), column.digits) for found in (here, there))
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


def _pair(found: Comparison, better: int, worse: int, digits: int) -> str:
    means = found.values[0].mean(axis=1)
    return (
        f"{found.methods[better]} ({printed(means[better], digits)}) is ahead of "
        f"{found.methods[worse]} ({printed(means[worse], digits)})"
    )
