"""Score stored images against their sources; what has a final line already is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fusionbench.data.images import eight_bit, read_image, read_pair
from fusionbench.errors import ImageError
from fusionbench.metrics import definition_of, score
from fusionbench.runner.outcome import Done, Failure
from fusionbench.runner.store import Cell, ScoreKey
from fusionbench.types import Pair


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
    a, b = map(eight_bit, read_pair(pair))
    fused = eight_bit(read_image(cell.image(pair.id)))
    if fused.shape[:2] != b.shape[:2]:
        raise ImageError(f"{cell.image(pair.id)} does not have its sources' size: delete it and run again.")
    return score(a, b, fused, metrics, profile)


def _line(
    cell: Cell, image: str, metric: str, profile: str, value: float | None, status: str, detail: str
) -> dict[str, Any]:
    return {
        "run": cell.id,
        "image": image,
        "metric": metric,
        "version": definition_of(metric, profile).version,
        "profile": profile,
        "value": value,
        "status": status,
        "detail": detail,
    }
