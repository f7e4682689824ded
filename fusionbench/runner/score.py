"""Score stored images against their sources; what has a final line already is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fusionbench.data.color import luma_uint8
from fusionbench.data.images import load_pair, read_image
from fusionbench.errors import ImageError
from fusionbench.metrics import cards, score
from fusionbench.runner.fuse import Done, Failure
from fusionbench.runner.store import FINAL, Cell, ScoreKey
from fusionbench.types import Pair


def missing_metrics(
    cell: Cell, pairs: Sequence[Pair], metrics: Sequence[str], profile: str
) -> dict[str, list[str]]:
    """Return, by pair id, the metrics whose current version has no final score; pairs without any are left out."""
    known = cards()
    final = {key for key, line in cell.scores().items() if line["status"] in FINAL}
    wanted = {
        p.id: [m for m in metrics if ScoreKey(p.id, m, known[m].version, profile) not in final] for p in pairs
    }
    return {pair_id: names for pair_id, names in wanted.items() if names}


def score_missing(
    cell: Cell,
    pairs: Sequence[Pair],
    missing: dict[str, list[str]],
    profile: str,
    failures: dict[str, Failure],
    done: Done,
) -> dict[str, Failure]:
    """Append the missing scores, one write an image; return the images that could not be scored.

    ``failures`` are the images that were never fused: their metrics get a line of the same status.
    """
    failures = dict(failures)
    earlier = cell.scores()
    for pair in pairs:
        if pair.id not in missing:
            continue
        lines = _lines(cell, pair, missing[pair.id], profile, failures)
        cell.append(line for line in lines if line != earlier.get(_key(line)))
        done(pair.id, failures.get(pair.id))
    return failures


def _key(line: dict[str, Any]) -> ScoreKey:
    return ScoreKey(line["image"], line["metric"], line["version"], line["profile"])


def _lines(
    cell: Cell, pair: Pair, metrics: list[str], profile: str, failures: dict[str, Failure]
) -> list[dict[str, Any]]:
    if pair.id not in failures:
        try:
            return [
                _line(cell, pair.id, name, profile, found.value, found.status, found.detail)
                for name, found in _score_stored(cell, pair, metrics, profile).items()
            ]
        except ImageError as error:
            failures[pair.id] = Failure("failed", str(error))
    failure = failures[pair.id]
    return [_line(cell, pair.id, name, profile, None, failure.status, failure.detail) for name in metrics]


def _score_stored(cell: Cell, pair: Pair, metrics: list[str], profile: str) -> dict[str, Any]:
    sources, fused = load_pair(pair), luma_uint8(read_image(cell.image(pair.id)))
    a, b = luma_uint8(sources.a), luma_uint8(sources.b)
    if fused.shape != b.shape:
        raise ImageError(f"{cell.image(pair.id)} does not have its sources' size: delete it and run again.")
    return score(a, b, fused, metrics, profile)


def _line(
    cell: Cell, image: str, metric: str, profile: str, value: float | None, status: str, detail: str
) -> dict[str, Any]:
    return {
        "run": cell.id,
        "image": image,
        "metric": metric,
        "version": cards()[metric].version,
        "profile": profile,
        "value": value,
        "status": status,
        "detail": detail,
    }
