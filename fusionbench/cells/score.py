"""Score stored images against their sources; what has a final line already is left alone."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.cells.planned import Done, Failure
from fusionbench.cells.score_lines import WHOLE_SET, ScoreKey, key_of, set_hash
from fusionbench.cells.store import Cell
from fusionbench.data.images import eight_bit, read_image, read_pair
from fusionbench.data.manifest import SourceStamps
from fusionbench.errors import ImageError
from fusionbench.metrics import Sources, definition_of, score_fused, sources
from fusionbench.types import Pair

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Missing:
    """The scores that a cell lacks: ``metrics`` by pair id, set-level ones under `WHOLE_SET`.

    ``failures`` are the images that were never fused, after scoring also those that could not be scored;
    ``seconds`` is the cell's share of what scoring took.
    """

    cell: Cell
    metrics: dict[str, list[str]]
    profile: str
    failures: dict[str, Failure]
    seconds: float = 0.0


def score_missing(cells: Sequence[Missing], pairs: Sequence[Pair], done: Done, device: str = "cpu") -> None:
    """Append the missing scores of cells on the same pairs, one write an image and cell.

    A pair's sources are read, and their statistics computed, once for all cells. What a pair took is shared out
    in equal parts to the cells that had an image of it to score; set-level metrics are each cell's own. An image
    that was never fused gets lines of its failure's status. Towers of set-level metrics run on ``device``.
    """
    earlier, stamps = [_tried(cell) for cell in cells], SourceStamps(pairs)
    for pair in pairs:
        _score_pair(cells, pair, earlier, done, stamps)
    for cell, tried in zip(cells, earlier, strict=True):
        started = time.monotonic()
        for name in cell.metrics.get(WHOLE_SET, ()):
            line = set_line(cell.cell, pairs, name, cell.profile, cell.failures, device, done)
            _append(cell, [line], tried)
        cell.seconds += time.monotonic() - started


Tried = dict[ScoreKey, dict[str, Any]]


def _tried(missing: Missing) -> Tried:
    """Return the lines of an earlier call that are no scores: what comes out the same is not written again."""
    stored = missing.cell.scores()
    return {key: line for key, line in stored.items() if key.metric in missing.metrics.get(key.image, ())}


def _append(missing: Missing, lines: list[dict[str, Any]], tried: Tried) -> None:
    missing.cell.append(line for line in lines if line != tried.get(key_of(line)))


def _score_pair(
    cells: Sequence[Missing], pair: Pair, earlier: list[Tried], done: Done, stamps: SourceStamps
) -> None:
    here = [(cell, tried) for cell, tried in zip(cells, earlier, strict=True) if pair.id in cell.metrics]
    sharing = [cell for cell, _ in here if pair.id not in cell.failures]
    started = time.monotonic()
    shared = functools.cache(lambda: _sources(pair, stamps))
    for cell, tried in here:
        _append(cell, _lines(cell, pair, shared), tried)
        done(pair.id, cell.failures.get(pair.id))
    part = (time.monotonic() - started) / max(1, len(sharing))
    for cell in sharing:
        cell.seconds += part


def _sources(pair: Pair, stamps: SourceStamps) -> Sources:
    """Read a pair. Raises ImageError where a file is no longer the one whose hash names the cell."""
    stored = read_pair(pair)
    stamps.check(pair)
    return sources(*map(eight_bit, stored))


def _lines(missing: Missing, pair: Pair, shared: Callable[[], Sources]) -> list[dict[str, Any]]:
    failures, metrics = missing.failures, missing.metrics[pair.id]
    if pair.id not in failures:
        try:
            scores = score_fused(shared(), _fused(missing.cell, pair, shared()), metrics, missing.profile)
            # a metric of another package that fails costs its own values, and the cell its "ok"
            if broken := next((score for score in scores.values() if score.status == "failed"), None):
                failures[pair.id] = Failure("failed", broken.detail)
            return [_line(missing, pair.id, name, *score) for name, score in scores.items()]
        except ImageError as error:
            failures[pair.id] = Failure("failed", str(error))
    failure = failures[pair.id]
    return [_line(missing, pair.id, name, None, failure.status, failure.detail) for name in metrics]


def _fused(cell: Cell, pair: Pair, of: Sources) -> Any:
    fused = eight_bit(read_image(cell.image(pair.id)))
    if fused.shape[:2] != of.b.levels.shape[-2:]:
        raise ImageError(f"{cell.image(pair.id)} does not have its sources' size: delete it and run again.")
    return fused


def _line(
    missing: Missing, image: str, metric: str, value: float | None, status: str, detail: str
) -> dict[str, Any]:
    return {
        "run": missing.cell.id,
        "image": image,
        "metric": metric,
        "version": definition_of(metric, missing.profile).version,
        "profile": missing.profile,
        "value": value,
        "status": status,
        "detail": detail,
    }


def set_line(
    cell: Cell,
    pairs: Sequence[Pair],
    metric: str,
    profile: str,
    failures: dict[str, Failure],
    device: str,
    done: Done,
) -> dict[str, Any]:
    """Return the line of one metric. A set of which an image failed has no value; the failure is added to ``failures``."""
    line = {
        "run": cell.id,
        "image": WHOLE_SET,
        "metric": metric,
        "version": definition_of(metric, profile).version,
        "profile": profile,
        "images": len(pairs),
        "set": set_hash(pairs),
    }
    if not failures:
        try:
            return line | _computed(cell, pairs, metric, profile, failures, device, done)
        except ImageError:  # noted by `_triples`, which knows the image
            pass
    first = next(iter(failures.values()))
    detail = f"{len(failures)} of {len(pairs)} images: {first.detail}"
    return line | {"value": None, "status": first.status, "detail": detail}


def embeddings_folder(out: Path) -> Path:
    """Return where the embeddings of a runs folder lie, shared by all of its cells."""
    return out / ".cache" / "embeddings"


def _computed(
    cell: Cell,
    pairs: Sequence[Pair],
    metric: str,
    profile: str,
    failures: dict[str, Failure],
    device: str,
    done: Done,
) -> dict[str, Any]:
    from fusionbench.metrics.learned.embeddings import EmbeddingCache
    from fusionbench.metrics.learned.sets import score_set

    cache = EmbeddingCache(embeddings_folder(cell.path.parents[2]), device)
    score = score_set(metric, lambda: _triples(cell, pairs, failures, done), len(pairs), cache, profile)
    return score._asdict()


def _triples(
    cell: Cell, pairs: Sequence[Pair], failures: dict[str, Failure], done: Done
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    for pair in pairs:
        try:
            a, b = map(eight_bit, read_pair(pair))
            fused = eight_bit(read_image(cell.image(pair.id)))
        except ImageError as error:
            failures[pair.id] = Failure("failed", str(error))
            raise
        yield a, b, fused
        done(pair.id, None)
