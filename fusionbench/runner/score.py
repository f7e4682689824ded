"""Score stored images against their sources; what has a final line already is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fusionbench.data.images import eight_bit, read_image, read_pair
from fusionbench.errors import ImageError
from fusionbench.metrics import definition_of, score
from fusionbench.runner.outcome import Done, Failure
from fusionbench.runner.score_sets import set_line
from fusionbench.runner.store import WHOLE_SET, Cell, key_of
from fusionbench.types import Pair


def score_missing(
    cell: Cell,
    pairs: Sequence[Pair],
    missing: dict[str, list[str]],
    profile: str,
    failures: dict[str, Failure],
    done: Done,
    device: str = "cpu",
) -> dict[str, Failure]:
    """Append the missing scores, one write an image; return the images that could not be scored.

    ``failures`` are the images that were never fused: their metrics get a line of the same status. Towers of
    set-level metrics, which ``missing`` holds under `WHOLE_SET`, run on ``device``.
    """
    failures = dict(failures)
    earlier = cell.scores()
    for pair in pairs:
        if pair.id not in missing:
            continue
        lines = _lines(cell, pair, missing[pair.id], profile, failures)
        cell.append(line for line in lines if line != earlier.get(key_of(line)))
        done(pair.id, failures.get(pair.id))
    for name in missing.get(WHOLE_SET, ()):
        line = set_line(cell, pairs, name, profile, failures, device, done)
        if line != earlier.get(key_of(line)):
            cell.append([line])
    return failures


def _lines(
    cell: Cell, pair: Pair, metrics: list[str], profile: str, failures: dict[str, Failure]
) -> list[dict[str, Any]]:
    if pair.id not in failures:
        try:
            found = _score_stored(cell, pair, metrics, profile)
            # a metric of another package that fails costs its own values, and the cell its "ok"
            if broken := next((score for score in found.values() if score.status == "failed"), None):
                failures[pair.id] = Failure("failed", broken.detail)
            return [_line(cell, pair.id, name, profile, *score) for name, score in found.items()]
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
