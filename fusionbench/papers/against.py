"""Printed numbers beside the means of runs, with a verdict on whether both are comparable and agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from fusionbench.metrics.registry import CANONICAL
from fusionbench.metrics.tasks import PROFILE
from fusionbench.papers.conventions import convention, departure_in_words, metric_card
from fusionbench.papers.printed import Number, Paper, called, papers, plain
from fusionbench.papers.tasks import KINDS, is_task, measured, task_dataset, task_metric, task_reasons
from fusionbench.tables.board import Board, build_boards
from fusionbench.tables.cells import Record
from fusionbench.tables.runs import Run

WITHIN = "same convention, within tolerance"
OUTSIDE = "same convention, outside tolerance"
OTHER = "other convention"
NOT_COMPARABLE = "not comparable"
VERDICTS = (WITHIN, OUTSIDE, OTHER, NOT_COMPARABLE)
# a rounded number differs by up to half a unit of its last digit, a truncated one by up to twice that
FACTOR = 2
TOLERANCE = (
    f"Tolerance: half a unit of the last digit printed in the number's column, times {FACTOR}, because papers cut "
    "digits off as well as round them"
)
COMPARED = ("fusion", "ablation", "sensitivity")


@dataclass(frozen=True)
class Reproduction:
    """One printed number and the mean of one run over ``pairs`` pairs with a score, of ``expected`` in the split.

    ``gap`` is measured minus printed. ``why`` has the reasons why both cannot be compared, ``remark`` is a note on weights
    that may be those of the paper.
    """

    number: Number
    dataset: str
    split: str
    method: str
    label: str
    run: str
    profile: str
    measured: float
    pairs: int
    expected: int | None
    gap: float
    tolerance: float
    verdict: str
    why: tuple[str, ...]
    remark: str = ""


class Mean(NamedTuple):
    """The mean of a run's ok scores in a profile, and their number."""

    profile: str
    metric: str
    value: float
    pairs: int


def reproductions(
    records: Sequence[Record], scores: Sequence[tuple[Any, ...]], numbers: Sequence[Number]
) -> list[Reproduction]:
    """Return every printed number beside the mean of each run of the same method on the same data set.

    ``records`` and ``scores`` are as for `build_boards`, with scores of any profiles. Methods are matched by name, title
    and the paper's aliases, variants by the paper's settings. Of the scored profiles the paper's own is taken, else one
    that computes the metric in the same way, else the canonical one.
    """
    # boards of all profiles have the same runs, because the choice of the newest run does not depend on scores
    profiles = sorted({row[3] for row in scores} - {PROFILE}) or [CANONICAL]
    boards = [build_boards(records, scores, profile=name) for name in profiles]
    return [finding for views in zip(*boards, strict=True) for finding in _of_board(views, numbers)]


def _of_board(views: Sequence[Board], numbers: Sequence[Number]) -> Iterator[Reproduction]:
    for i, run in enumerate(views[0].runs):
        means = [mean for view in views for mean in _means(view, i)]
        seen = set()
        for number in numbers:
            key = number.paper, number.setting, number.metric, number.value
            if key not in seen and _belongs(number, run.record):
                seen.add(key)  # ablation tables repeat a row of the main table
                yield from (
                    _task_finding(number, run, means, views[0])
                    if is_task(number)
                    else _finding(number, run, means)
                )


def _means(board: Board, i: int) -> Iterator[Mean]:
    import numpy as np

    for column, cell in zip(board.table.columns, board.table.rows[i].cells, strict=True):
        if cell.value is not None:
            yield Mean(board.table.profile, column.metric, cell.value, cell.ok)
        elif cell.ok:
            mean = float(np.nanmean(board.values(column.metric)[i]))
            yield Mean(board.table.profile, column.metric, mean, cell.ok)


def _belongs(number: Number, record: Record) -> bool:
    """Tell whether a run has a printed row's data set, method and setting."""
    wanted = task_dataset(number) if is_task(number) else number.dataset
    if wanted != record["dataset"]["name"] or number.kind not in (*COMPARED, *KINDS) or number.train_dataset:
        return False
    paper = papers()[number.paper]
    name, _, variant = _name_of(record, paper).partition("@")
    here = {plain(name), plain(record["method"].get("title") or name)}
    if not here & {plain(number.method), called(paper, number)}:
        return False
    printed = {plain(v) for v in paper.settings.values()}
    if plain(variant) in printed:
        return plain(paper.settings.get(number.setting, "")) == plain(variant)
    return not number.setting


def _name_of(record: Record, paper: Paper) -> str:
    """Return a run's method with the variants that a paper distinguishes.

    The authors' own script, and the paper's recipe for a data set, count as the method itself.
    """
    name, recipe = (
        record["method"]["name"].removesuffix("@official"),
        paper.recipes.get(record["dataset"]["name"]),
    )
    if recipe is None:
        return name
    bare = re.sub(rf"@{recipe}(?=[@+]|$)", "", name, count=1)
    return bare if "@" in bare else bare.replace("+", "@", 1)


def _finding(number: Number, run: Run, means: Sequence[Mean]) -> Iterator[Reproduction]:
    paper, card = papers()[number.paper], metric_card(number.metric)
    if card is None or not (measured := [mean for mean in means if mean.metric == card.name]):
        return
    meant = convention(paper, number.metric)
    mean = min(
        measured, key=lambda m: _preference(m.profile, departure_in_words(meant, m.metric, m.profile), paper)
    )
    other = departure_in_words(meant, card.name, mean.profile)
    why = [*run_reasons(paper, number, run.record, mean.pairs)]
    if meant.undecided:
        why.append(f"convention undecided: {meant.undecided}")
    if number.direction != card.better:
        why.append(f"the paper calls {number.direction} better, here {card.better} is")
    gap, bound = mean.value - number.number, tolerance(number)
    agree = WITHIN if abs(gap) <= bound * (1 + 1e-9) else OUTSIDE
    data, method = run.record["dataset"], run.record["method"]
    yield Reproduction(
        number, data["name"], data["split"], method["name"], run.label, run.record["id"], mean.profile,
        mean.value, mean.pairs, data["expected"], gap, bound,
        verdict=NOT_COMPARABLE if why else OTHER if other else agree,
        why=(*why, *([other] if other and not meant.undecided else [])),
        remark="" if why else _weights(run.record),
    )  # fmt: skip


def _task_finding(number: Number, run: Run, means: Sequence[Mean], board: Board) -> Iterator[Reproduction]:
    """Yield a printed IoU or AP beside the measured one, never comparable, because the network's training differs."""
    name = task_metric(number)
    mean = next((mean for mean in means if mean.metric == name), None)
    if mean is None:
        return
    data, method, value = run.record["dataset"], run.record["method"], measured(mean.value)
    why = [*run_reasons(papers()[number.paper], number, run.record, mean.pairs)]
    why += task_reasons(number, board.column(mean.metric).setting)
    yield Reproduction(
        number, data["name"], data["split"], method["name"], run.label, run.record["id"], PROFILE, value, mean.pairs,
        data["expected"], value - number.number, tolerance(number), verdict=NOT_COMPARABLE, why=tuple(why),
    )  # fmt: skip


def _preference(profile: str, other: str, paper: Paper) -> tuple:
    return profile != paper.profile, bool(other), profile != CANONICAL, profile


def run_reasons(paper: Paper, number: Number, record: Record, pairs: int) -> Iterator[str]:
    """Yield the reasons why a run's images cannot be those of a paper's row, none if they can be."""
    data = record["dataset"]
    yield from pairs_reasons(paper, data["name"], data["split"], pairs)
    variant = _name_of(record, paper).partition("@")[2]
    if variant and not number.setting:
        yield f"variant {variant} is none that the paper prints"
    if number.method in paper.differs:
        yield paper.differs[number.method]
    if record["weights"]["source"] in ("shipped", "random"):
        yield f"other weights than the paper's: {_weights(record)}"


def _weights(record: Record) -> str:
    """Return the origin of weights in words, empty for methods without weights."""
    weights = record["weights"]
    note = f" ({weights['note'].strip().rstrip('.')})" if weights.get("note") else ""
    return "" if weights["source"] == "none" else f"weights {weights['source']}{note}"


def pairs_reasons(paper: Paper, dataset: str, split: str, pairs: int) -> Iterator[str]:
    """Yield the reasons why ``pairs`` pairs of a split are not those of the paper."""
    printed = paper.pairs.get(dataset)
    if split != "test":
        yield f"other split: {split}"
    elif dataset in paper.other_pairs:
        yield f"other split: {paper.other_pairs[dataset]}"
    elif printed is None:
        yield "the paper does not state the number of pairs"
    elif pairs < printed:
        yield f"{pairs} of the paper's {printed} pairs"
    elif pairs > printed:
        yield f"other split: {pairs} pairs, the paper has {printed}"


def tolerance(number: Number) -> float:
    """Return the largest difference of a mean from a printed number that counts as agreement."""
    return FACTOR * 0.5 * 10.0 ** -_decimals(number.paper, number.table, number.metric)


@cache
def _decimals(paper: str, table: int, metric: str) -> int:
    """Return the most decimals in a column of a paper's table, because papers omit trailing zeros of single numbers."""
    column = [n for n in papers()[paper].numbers if (n.table, n.metric) == (table, metric)]
    return max(number.decimals for number in column)
