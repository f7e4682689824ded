"""Computing the statistics of runs folders, one summary for each set of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusionbench.metrics.tasks import PROFILE
from fusionbench.statistics.summary import Summary, summarize
from fusionbench.tables.board import build_boards
from fusionbench.tables.row_choice import select_records


def summaries(
    runs: Sequence[Path],
    *,
    datasets: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    profile: str = "canonical",
    level: float = 0.95,
    seed: int = 0,
    baselines: bool = True,
) -> list[Summary]:
    """Return the statistics of every set of pairs below the folders, compared with other scored profiles.

    Without ``baselines`` the trivial methods are left out, but are still used for lessons. Raises RequestError if the
    folders contain none of ``datasets`` or no score of the profile.
    """
    from fusionbench.cells.columns import StoredScores, no_score_of
    from fusionbench.cells.store import read_records

    records = select_records(read_records(*runs), datasets)
    scores = StoredScores(records)
    scored_by = scores.profiles
    profiles = sorted(scored_by - {PROFILE})
    if not profiles and scored_by:
        profiles = [profile]  # only downstream tasks were scored, which belong to every profile
    if profile not in profiles:
        raise no_score_of(profile, profiles)
    boards = {name: build_boards(records, scores, metrics=metrics, profile=name) for name in profiles}
    main = boards.pop(profile)
    others = list(zip(*boards.values(), strict=True)) or [()] * len(main)
    return [
        summarize(board, rest, level=level, seed=seed, baselines=baselines)
        for board, rest in zip(main, others, strict=True)
    ]
