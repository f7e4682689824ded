"""Groups of the page: sets of pairs, each with one leaderboard for every profile that it was scored with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusionbench.cells.columns import StoredScores, no_score_of
from fusionbench.metrics.tasks import PROFILE, is_task_metric, resolve_shown
from fusionbench.tables.board import Board, build_boards
from fusionbench.tables.cells import Record

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Group:
    """One set of pairs; its boards have the same methods and images, and differ in the profile."""

    key: str
    boards: tuple[Board, ...]

    @property
    def first(self) -> Board:
        return self.boards[0]

    @property
    def data(self) -> Mapping[str, Any]:
        """Return the data set's description in the first record."""
        return self.first.runs[0].record["dataset"]

    @property
    def family(self) -> str:
        return self.data.get("family") or "other"


def make_groups(
    records: Iterable[Record],
    scores: StoredScores | Iterable[tuple[Any, ...]],
    metrics: str | None = None,
    profiles: Sequence[str] | None = None,
) -> list[Group]:
    """Sort records and scores of `fusionbench.cells.store` into groups, ordered by family and data set.

    ``profiles`` are by default all that occur in the scores. ``metrics`` is a comma-separated list; a default profile
    shows those that it defines. Raises RequestError if a profile of ``profiles`` scored
    nothing or does not define one of ``metrics``.
    """
    records = list(records)
    scores = scores if isinstance(scores, StoredScores) else list(scores)
    scored = scores.profiles if isinstance(scores, StoredScores) else {row[3] for row in scores}
    scored.discard(PROFILE)  # scores of downstream tasks belong to every profile
    if lacking := [profile for profile in profiles or () if scored and profile not in scored]:
        raise no_score_of(lacking[0], scored)
    by_pairs: dict[tuple, list[Board]] = {}
    for profile in _order(scored) if profiles is None else profiles:
        names = _metrics(metrics, profile, profiles is not None)
        for board in build_boards(records, scores, metrics=names, profile=profile):
            table = board.table
            key = (board.runs[0].record["dataset"].get("family") or "other", table.dataset, table.split)
            by_pairs.setdefault((*key, table.split_hash, table.data), []).append(board)
    return [
        Group(f"group-{number}", _scored(boards))
        for number, (_, boards) in enumerate(sorted(by_pairs.items(), key=lambda entry: entry[0]))
    ]


def _order(scored: Iterable[str]) -> list[str]:
    """Return the profiles in the registry's order, unknown ones last; without scores the canonical one."""
    from fusionbench.metrics import CANONICAL, profiles

    known = list(profiles())
    place = {name: number for number, name in enumerate(known)}
    return sorted(scored, key=lambda name: (place.get(name, len(known)), name)) or [CANONICAL]


def _metrics(asked: str | None, profile: str, strict: bool) -> list[str] | None:
    from fusionbench.metrics import profiles

    if asked is None:
        return None
    if strict:
        return resolve_shown(asked, profile)
    known = profiles().get(profile)
    names = resolve_shown(asked)
    return [name for name in names if known is None or name in known.metrics or is_task_metric(name)]


def _scored(boards: Sequence[Board]) -> tuple[Board, ...]:
    """Return the boards with scores, or the first board if none has any."""
    return tuple(board for board in boards if any(board.scores)) or tuple(boards[:1])
