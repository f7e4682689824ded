"""Stability of the winner under another profile, without a metric, on half of the images, by another aggregation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from fusionbench.statistics.paired import PairedScores, paired_scores, scores_in_both
from fusionbench.statistics.ranks import by_means, overall, single, winners

if TYPE_CHECKING:
    from fusionbench.tables.board import Board


SPLITS = 500  # random splits, each with two halves
FEWEST = 4  # images below which a half would have a single one

Names = tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """One choice made differently, with its ``winners``; ``reference`` won before, on the data that both choices have."""

    kind: str  # aggregation, metric left out or profile
    name: str
    winners: Names
    reference: Names

    @property
    def same(self) -> bool:
        return self.winners == self.reference


@dataclass(frozen=True)
class Halves:
    """Random halves of the images: the share with the same winners, and the share that each method wins."""

    count: int
    size: int
    share: float
    wins: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class WinnerStability:
    """The winners of one metric, or overall if ``metric`` is None, and their stability.

    Methods that tie win together. ``halves`` is None for fewer than four images.
    """

    metric: str | None
    winners: Names
    methods: int
    metrics: int
    choices: tuple[Choice, ...]
    halves: Halves | None

    def kind(self, kind: str) -> tuple[Choice, ...]:
        return tuple(choice for choice in self.choices if choice.kind == kind)


@dataclass(frozen=True)
class Stability:
    """The stability of the winners of a board.

    ``overall`` is about the method with the best mean rank over metrics, by means, among the methods that have all scores
    of all metrics; each of ``by_metric`` is about one metric and the methods with all of its scores. They are None and
    empty if fewer than two methods can be compared.
    """

    overall: WinnerStability | None
    by_metric: tuple[WinnerStability, ...]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """One sentence on the overall winner and one for each metric."""

        outcomes = (*([self.overall] if self.overall else []), *self.by_metric)
        return tuple(winner_sentence(outcome) for outcome in outcomes)


def stability(
    board: Board, others: Sequence[Board] = (), *, splits: int = SPLITS, seed: int = 0
) -> Stability:
    """Return how the winners of a board depend on choices.

    ``others`` are boards of the same pairs in other profiles. The images are split ``splits`` times into two random
    halves, drawn from ``seed``.
    """
    comparison = paired_scores(board)
    whole = None
    if comparison.decidable:
        whole = _overall(comparison, _profiles(board, others, comparison.metrics), splits, seed)
    single_metrics = ((column.metric, paired_scores(board, [column.metric])) for column in board.columns)
    by_metric = [
        _single(single, _profiles(board, others, (name,)), splits, seed)
        for name, single in single_metrics
        if single.decidable
    ]
    return Stability(whole, tuple(by_metric))


def _overall(comparison: PairedScores, profiles: Sequence[Choice], splits: int, seed: int) -> WinnerStability:
    values = comparison.oriented
    means = values.mean(axis=2)
    reference = _names(comparison, by_means(means))
    choices = _aggregations(comparison, overall(values), reference)
    if len(comparison.metrics) > 1:
        choices += [
            Choice(
                "metric left out", name, _names(comparison, by_means(np.delete(means, i, axis=0))), reference
            )
            for i, name in enumerate(comparison.metrics)
        ]
    halves = _halves(comparison, lambda part: by_means(part), reference, splits, seed)
    return WinnerStability(
        None, reference, len(comparison.methods), len(comparison.metrics), (*choices, *profiles), halves
    )


def _single(comparison: PairedScores, profiles: Sequence[Choice], splits: int, seed: int) -> WinnerStability:
    values = comparison.oriented[0]
    reference = _names(comparison, -values.mean(axis=1))
    choices = _aggregations(comparison, single(values), reference)
    halves = _halves(comparison, lambda part: -part[0], reference, splits, seed)
    return WinnerStability(
        comparison.metrics[0], reference, len(comparison.methods), 1, (*choices, *profiles), halves
    )


def _names(comparison: PairedScores, losses: ndarray) -> Names:
    return tuple(comparison.methods[i] for i in np.flatnonzero(winners(losses)))


def _aggregations(comparison: PairedScores, losses: dict[str, ndarray], reference: Names) -> list[Choice]:
    return [Choice("aggregation", name, _names(comparison, loss), reference) for name, loss in losses.items()]


def _halves(
    comparison: PairedScores, losses: Callable[[ndarray], ndarray], reference: Names, splits: int, seed: int
) -> Halves | None:
    """Return the winners of random halves; ``losses`` turns means [metrics, methods, halves] into losses [methods, halves]."""
    count = comparison.images
    if count < FEWEST:
        return None
    won = winners(losses(comparison.oriented @ _weights(count, splits, seed)))
    as_before = np.isin(comparison.methods, reference)
    share = float((won == as_before[:, None]).all(axis=0).mean())
    # a half won by several methods is shared among them
    alone = (won / won.sum(axis=0)).mean(axis=1)
    wins = sorted(zip(comparison.methods, alone.tolist(), strict=True), key=lambda pair: -pair[1])
    return Halves(2 * splits, count // 2, share, tuple((name, part) for name, part in wins if part))


@lru_cache(maxsize=1)
def _weights(images: int, splits: int, seed: int) -> ndarray:
    """Return the weights, [images, halves], of means over random halves; cached, because all metrics use the same halves."""
    draw = np.random.default_rng(seed)
    order = draw.permuted(np.tile(np.arange(images), (splits, 1)), axis=1)
    first = np.zeros((splits, images))
    np.put_along_axis(first, order[:, : images // 2], 1.0, axis=1)
    masks = np.concatenate([first, 1 - first])
    return (masks / masks.sum(axis=1, keepdims=True)).T


def _profiles(board: Board, others: Sequence[Board], metrics: Sequence[str]) -> list[Choice]:
    """Return the winners in each other profile, over the metrics, methods and images that both profiles have."""
    choices = []
    for other in others:
        both = [name for name in metrics if name in {column.metric for column in other.columns}]
        pair = scores_in_both(paired_scores(board, both), paired_scores(other, both))
        if pair[0].decidable:
            here, there = (
                _names(comparison, by_means(comparison.oriented.mean(axis=2))) for comparison in pair
            )
            choices.append(Choice("profile", other.table.profile, there, here))
    return choices


def winner_sentence(outcome: WinnerStability) -> str:
    """Return a sentence with the winner and every choice under which another method wins."""
    alone = len(outcome.winners) == 1
    what = (
        f"the mean rank over {_counted(outcome.metrics, 'metric')}"
        if outcome.metric is None
        else outcome.metric
    )
    won = f"{_joined(outcome.winners)} {'wins' if alone else 'tie in'} {what} among {outcome.methods} methods"
    dependences = [*_halves_verdict(outcome), *_all_choices(outcome)]
    return f"{won}: the same {'; the same '.join(dependences)}." if dependences else f"{won}."


def _halves_verdict(outcome: WinnerStability) -> Iterator[str]:
    if outcome.halves is not None:
        halves = outcome.halves
        rival = next((pair for pair in halves.wins if pair[0] not in outcome.winners), None)
        other = f" ({rival[0]} wins {percent(rival[1])})" if rival else ""
        yield f"in {percent(halves.share)} of {halves.count} random halves of the images{other}"


def _all_choices(outcome: WinnerStability) -> Iterator[str]:
    kinds = {
        "aggregation": ("by {} of {} aggregations", "by"),
        "metric left out": ("by {} of {} sets with one metric left out", "without"),
        "profile": ("under {} of {} other profiles", "under"),
    }
    for kind, (words, preposition) in kinds.items():
        if choices := outcome.kind(kind):
            yield words.format(sum(choice.same for choice in choices), len(choices)) + _changed(
                choices, preposition
            )


def _changed(choices: Sequence[Choice], preposition: str) -> str:
    """Return the winners of choices with another winner, in brackets, empty if there are none."""
    changed: dict[tuple[str, ...], list[str]] = {}
    for choice in choices:
        if not choice.same:
            changed.setdefault(choice.winners, []).append(choice.name)
    others = [f"{_joined(who)} {preposition} {_joined(names)}" for who, names in changed.items()]
    return f" ({'; '.join(others)})" if others else ""


def percent(share: float) -> str:
    """Return a share in per cent; 100 and 0 are printed only for exactly all and none."""
    text = f"{100 * share:.0f}"
    if text == "100" and share < 1:
        text = "over 99"
    if text == "0" and share > 0:
        text = "under 1"
    return f"{text} %"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
