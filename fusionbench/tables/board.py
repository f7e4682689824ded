"""Leaderboard tables together with the scores of single images behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fusionbench.metrics.tasks import task_cards
from fusionbench.spelling import spelled
from fusionbench.tables.caption import brief, caption, coverage
from fusionbench.tables.cells import (
    ArrayScores,
    Index,
    Record,
    Scores,
    common_setting,
    index_scores,
    name_notes,
    table_cell,
    version_key,
)
from fusionbench.tables.model import Column, Row, Table, rank_column
from fusionbench.tables.runs import Run, newest_runs, run_notes
from fusionbench.tables.style import digits_of

if TYPE_CHECKING:
    from numpy import ndarray
    from pandas import DataFrame

    from fusionbench.metrics import MetricCard


@dataclass(frozen=True)
class Board:
    """One table, its runs and their scores.

    ``runs`` are in the order of ``table.rows``, ``images`` in that of the split. ``scores`` contain only the versions of
    metrics that the table shows.
    """

    table: Table
    runs: tuple[Run, ...]
    images: tuple[str, ...]
    scores: tuple[Scores, ...]
    _values: dict[str, ndarray] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(run.record for run in self.runs)

    def column(self, metric: str) -> Column:
        """Return the column of a metric. Raises KeyError if the table has none."""
        for column in self.table.columns:
            if column.metric == metric:
                return column
        raise KeyError(metric)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of metrics with one value per image."""
        return tuple(column for column in self.table.columns if column.per == "image")

    def values(self, metric: str) -> ndarray:
        """Return the values of a metric, float64 [rows, images], NaN where an image has no ok score.

        A metric with one value for the whole set has none for single images: all are NaN, see `columns`. The array is
        cached and read-only.
        """
        if metric not in self._values:
            self._values[metric] = self._gathered(metric)
        return self._values[metric]

    def _gathered(self, metric: str) -> ndarray:
        import numpy as np

        column = self.column(metric)
        rows = [scores.get(metric, {}).get(column.version, {}) for scores in self.scores]
        rows_of_values = [
            row.values_of(self.images)
            if isinstance(row, ArrayScores)
            else [_value(row, image) for image in self.images]
            for row in rows
        ]
        values = np.array(rows_of_values, dtype=np.float64).reshape(len(rows), len(self.images))
        values.flags.writeable = False
        return values


def _value(row: Mapping[str, Any], image: str) -> float:
    score = row.get(image)
    return float("nan") if score is None or score.value is None else score.value


KINDS = ("learned", "classical", "external", "trivial")


def build_tables(
    records: Iterable[Record],
    scores: DataFrame | Iterable[tuple[Any, ...]],
    *,
    metrics: Sequence[str] | None = None,
    profile: str = "canonical",
    cards: Mapping[str, MetricCard] | None = None,
) -> list[Table]:
    """Return one table for each set of pairs, that is data set, split, ids of the pairs and their content.

    ``records`` are run.json documents, ``scores`` the long format of `read_runs` or the rows of `score_rows`, both of
    fusionbench.cells.store. Rows are methods, each with its newest run; columns are ``metrics`` in that order, by default
    every scored metric in the order of the cards. Other profiles and older versions of metrics are never mixed in. Raises
    UnknownNameError for a metric without a card.
    """
    boards = build_boards(records, scores, metrics=metrics, profile=profile, cards=cards)
    return [board.table for board in boards]


def build_boards(
    records: Iterable[Record],
    scores: DataFrame | Iterable[tuple[Any, ...]],
    *,
    metrics: Sequence[str] | None = None,
    profile: str = "canonical",
    cards: Mapping[str, MetricCard] | None = None,
) -> list[Board]:
    """Return the tables of `build_tables` together with the scores from which they are made."""
    return boards_of(records, index_scores(scores, profile), metrics=metrics, profile=profile, cards=cards)


def boards_of(
    records: Iterable[Record],
    index: Index,
    *,
    metrics: Sequence[str] | None = None,
    profile: str = "canonical",
    digits: int | Mapping[str, int] | None = None,
    cards: Mapping[str, MetricCard] | None = None,
) -> list[Board]:
    """Return the same as `build_boards`, from scores sorted by `index_scores`; ``digits`` are those of `TableStyle`."""
    if cards is None:
        from fusionbench.metrics import cards as known_cards

        cards = known_cards()
    scored = (metric for scores in index.values() for metric in scores)
    cards = {**cards, **task_cards([*scored, *(metrics or ())])}
    wanted = None if metrics is None else [*dict.fromkeys(spelled(name, cards, "metric") for name in metrics)]
    decimals = digits_of(digits, cards)
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        data = record["dataset"]
        same_pairs = data["name"], data["split"], data["split_hash"], record["identity"]["data"]
        groups.setdefault(same_pairs, []).append(record)
    boards = [_board(groups[key], index, wanted, profile, cards, decimals) for key in sorted(groups)]
    return sorted(boards, key=lambda board: (board.table.dataset, board.table.split, -board.table.pairs))


def _board(
    records: Sequence[Record],
    index: Index,
    wanted: Sequence[str] | None,
    profile: str,
    cards: Mapping[str, Any],
    decimals: Mapping[str, int],
) -> Board:
    runs = sorted(newest_runs(records), key=lambda run: row_key(run.record))
    # the pairs are the same for all, so if one of the runs had no limit, the limits of the others removed nothing
    limits = [run.record["dataset"]["limit"] for run in runs]
    data = runs[0].record["dataset"] | {"limit": None if None in limits else min(limits)}
    run_scores = [index.get((data["name"], data["split"], run.record["id"]), {}) for run in runs]
    columns = _columns(run_scores, wanted, cards, decimals)
    rows = _rows(runs, run_scores, columns)
    gaps = any(cell.value is None for row in rows for cell in row.cells)
    uncarded = sorted({metric for score in run_scores for metric in score} - set(cards))
    table = Table(
        dataset=data["name"],
        title=data["title"] or data["name"],
        split=data["split"],
        coverage=coverage(data),
        pairs=len(data["ids"]),
        limit=data["limit"],
        profile=profile,
        split_hash=data["split_hash"],
        data=runs[0].record["identity"]["data"],
        columns=columns,
        rows=rows,
        caption=caption(data, runs, columns, profile, uncarded),
        brief=brief(data, runs, columns, profile, gaps),
    )
    return Board(table, tuple(runs), tuple(data["ids"]), tuple(run_scores))


def _rows(runs: Sequence[Run], run_scores: Sequence[Scores], columns: Sequence[Column]) -> tuple[Row, ...]:
    cells = [
        [table_cell(run.record, column, scores) for run, scores in zip(runs, run_scores, strict=True)]
        for column in columns
    ]
    ranked = [rank_column(column, column_cells) for column, column_cells in zip(columns, cells, strict=True)]
    return tuple(
        Row(
            method=run.record["method"]["name"],
            label=run.label,
            kind=run.record["method"]["kind"],
            run=run.record["id"],
            status=run.record["status"],
            cells=name_notes(column[i] for column in ranked),
            notes=run_notes(run),
        )
        for i, run in enumerate(runs)
    )


def row_key(record: Record) -> tuple:
    """Return the sort key of a leaderboard's rows: by kind, then by name."""
    method = record["method"]
    kind = KINDS.index(method["kind"]) if method["kind"] in KINDS else KINDS.index("external")
    return kind, method["name"].casefold(), method["name"]


def _columns(
    run_scores: Sequence[Scores],
    wanted: Sequence[str] | None,
    cards: Mapping[str, Any],
    decimals: Mapping[str, int],
) -> tuple[Column, ...]:
    scored = {metric for scores in run_scores for metric in scores}
    names = [name for name in cards if name in scored] if wanted is None else wanted
    return tuple(_column(cards[name], run_scores, decimals[name]) for name in names)


def _column(card: MetricCard, run_scores: Sequence[Scores], digits: int) -> Column:
    """Return the column of a metric with the newest version of any score, or the card's version without scores."""
    versions = sorted({v for scores in run_scores for v in scores.get(card.name, {})}, key=version_key)
    *older, newest = versions or [str(card.version)]
    setting = common_setting(card.name, newest, run_scores) if card.per == "set" else ""
    return Column(
        card.name, card.title, card.better, digits, newest, tuple(older),
        per=card.per, setting=setting, range=card.range,
    )  # fmt: skip
