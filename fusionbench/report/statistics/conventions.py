"""Where the order of the methods depends on whose definition of a metric is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from fusionbench.report.marks import printed
from fusionbench.report.statistics.agreement import kendall
from fusionbench.report.statistics.paired import Comparison, compare, shared

if TYPE_CHECKING:
    from fusionbench.report.board import Board


def convention_lessons(board: Board, others: Sequence[Board]) -> Iterator[str]:
    """Say of each metric and other profile that swap two methods which two and by what means."""
    for other in others:
        there = {column.metric for column in other.columns}
        for column in board.columns:
            if column.metric in there:
                pair = shared(compare(board, [column.metric]), compare(other, [column.metric]))
                if pair[0].decidable:
                    profiles = board.table.profile, other.table.profile
                    yield from _swapped(*pair, column.digits, profiles)


def _swapped(here: Comparison, there: Comparison, digits: int, profiles: tuple[str, str]) -> Iterator[str]:
    """Name the pair that is swapped, of several the one that stands highest under the first profile.

    By the printed digits: means that print alike are in no order.
    """
    first, second = (np.round(found.oriented[0].mean(axis=1), digits) for found in (here, there))
    order = np.argsort(-first, kind="stable")
    swaps = [(i, j) for i, j in combinations(order, 2) if first[i] > first[j] and second[i] < second[j]]
    if not swaps:
        return
    i, j = swaps[0]
    tau = kendall(np.stack([first, second])[:, :, None])[0, 1]
    yield (
        f"The order in {here.metrics[0]} depends on the convention: under {profiles[0]} "
        f"{_pair(here, i, j, digits)}, under {profiles[1]} {_pair(there, j, i, digits)}; "
        f"{len(swaps)} of {len(order) * (len(order) - 1) // 2} pairs of methods swap (Kendall's tau {tau:.2f})."
    )


def _pair(found: Comparison, better: int, worse: int, digits: int) -> str:
    means = found.values[0].mean(axis=1)
    return (
        f"{found.methods[better]} ({printed(means[better], digits)}) is ahead of "
        f"{found.methods[worse]} ({printed(means[worse], digits)})"
    )
