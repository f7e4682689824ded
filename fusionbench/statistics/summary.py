"""All statistics of the scores of one board in one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from fusionbench.statistics import ranks
from fusionbench.statistics.agreement import Agreement, agreement_of
from fusionbench.statistics.intervals import mean_intervals
from fusionbench.statistics.lessons import lessons
from fusionbench.statistics.paired import PairedScores, paired_scores
from fusionbench.statistics.ranks import by_means
from fusionbench.statistics.significance import AgainstBest, against_best, all_pairs
from fusionbench.statistics.stability import Stability, stability

if TYPE_CHECKING:
    from fusionbench.tables.board import Board
    from fusionbench.tables.model import Column


@dataclass(frozen=True)
class MetricStatistics:
    """The statistics of one metric, in the order of ``comparison.methods``; tests are None below two methods or images."""

    column: Column
    comparison: PairedScores
    means: ndarray
    low: ndarray
    high: ndarray
    mean_ranks: ndarray
    against_best: AgainstBest
    wilcoxon: ndarray
    nemenyi: ndarray
    friedman: ranks.Friedman | None
    critical_difference: float | None
    cliques: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Overall:
    """The methods that can be compared in all metrics, with their mean rank over metrics by means, and Borda points."""

    comparison: PairedScores
    mean_ranks: ndarray
    borda: ndarray


@dataclass(frozen=True)
class Summary:
    """The statistics of a board; ``level`` is that of intervals, and tests use 1 - level."""

    board: Board
    level: float
    seed: int
    metrics: tuple[MetricStatistics, ...]
    left_out: tuple[tuple[str, str], ...]
    overall: Overall
    agreement: Agreement
    stability: Stability
    lessons: tuple[str, ...]

    @property
    def alpha(self) -> float:
        # 1 - 0.95 is 0.050000000000000044
        return round(1 - self.level, 12)


def summarize(
    board: Board,
    others: Sequence[Board] = (),
    *,
    level: float = 0.95,
    seed: int = 0,
    baselines: bool = True,
) -> Summary:
    """Return the statistics of a board; ``others`` are boards of the same runs in other profiles.

    Without ``baselines`` the trivial methods are left out of everything but the lessons.
    """
    told = lessons(board, others)
    if not baselines:
        board, others = without_trivial(board), [without_trivial(other) for other in others]
    every = paired_scores(board)
    single = [(column, paired_scores(board, [column.metric])) for column in board.columns]
    return Summary(
        board=board,
        level=level,
        seed=seed,
        metrics=tuple(
            _metric(column, comparison, level, seed) for column, comparison in single if comparison.metrics
        ),
        left_out=tuple(comparison.left_out[0] for _, comparison in single if comparison.left_out),
        overall=_overall(every),
        agreement=agreement_of(every),
        stability=stability(board, others, seed=seed),
        lessons=told,
    )


def without_trivial(board: Board) -> Board:
    """Return the board without the rows of trivial baselines."""
    kept = [i for i, row in enumerate(board.table.rows) if row.kind != "trivial"]
    return replace(
        board,
        table=replace(board.table, rows=tuple(board.table.rows[i] for i in kept)),
        runs=tuple(board.runs[i] for i in kept),
        scores=tuple(board.scores[i] for i in kept),
    )


def _metric(column: Column, comparison: PairedScores, level: float, seed: int) -> MetricStatistics:
    values, better, alpha = comparison.values[0], column.better, 1 - level
    low, high = mean_intervals(values, level, seed=seed)
    mean_ranks = ranks.mean_ranks(values, better)
    tested = comparison.decidable and comparison.images > 1
    critical = ranks.critical_difference(len(values), comparison.images, alpha) if tested else None
    return MetricStatistics(
        column=column,
        comparison=comparison,
        means=values.mean(axis=1),
        low=low,
        high=high,
        mean_ranks=mean_ranks,
        against_best=against_best(values, better, alpha),
        wilcoxon=all_pairs(values),
        nemenyi=ranks.nemenyi(values, better),
        friedman=ranks.friedman(values, better) if tested else None,
        critical_difference=critical,
        cliques=() if critical is None else tuple(ranks.cliques(mean_ranks, critical)),
    )


def _overall(comparison: PairedScores) -> Overall:
    if not comparison.decidable:
        return Overall(
            comparison, np.full(len(comparison.methods), np.nan), np.full(len(comparison.methods), np.nan)
        )
    means = comparison.oriented.mean(axis=2)
    return Overall(comparison, by_means(means), ranks.borda(means, ["higher"] * len(means)))
