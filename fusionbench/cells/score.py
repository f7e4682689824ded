"""Score stored images against their sources, without touching scores that are final."""

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
from fusionbench.metrics import Definition, Score, Sources, definition_of, score_definitions, sources
from fusionbench.types import Pair

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Missing:
    """The scores to compute for a cell: ``metrics`` by pair id, those of whole sets under `WHOLE_SET`.

    ``failures`` are the images that could not be fused, and after scoring also those that could not be scored.
    ``seconds`` is the cell's share of the time that scoring took.
    """

    cell: Cell
    metrics: dict[str, list[str]]
    profile: str
    failures: dict[str, Failure]
    seconds: float = 0.0

    @functools.cached_property
    def definitions(self) -> dict[str, Definition]:
        """The definition of each of these metrics, looked up once for all images."""
        names = {name for names in self.metrics.values() for name in names}
        return {name: definition_of(name, self.profile) for name in names}

    @functools.cached_property
    def tried(self) -> dict[ScoreKey, dict[str, Any]]:
        """The stored lines of metrics to be tried again, so that an unchanged outcome is not appended once more."""
        stored = self.cell.scores()
        return {key: line for key, line in stored.items() if key.metric in self.metrics.get(key.image, ())}

    def append(self, lines: list[dict[str, Any]]) -> None:
        """Store the lines that are new."""
        self.cell.append(line for line in lines if line != self.tried.get(key_of(line)))


def score_missing(cells: Sequence[Missing], pairs: Sequence[Pair], done: Done, device: str = "cpu") -> None:
    """Compute and append the missing scores of cells on the same pairs, one write per image and cell.

    A pair's sources are read, and their statistics computed, once for all cells. The time of a pair is divided equally
    among the cells that had an image of it to score; metrics of whole sets are computed for each cell on its own. An
    image that was never fused gets lines with its failure's status. Networks of metrics run on ``device``.
    """
    stamps = SourceStamps(pairs)
    for pair in pairs:
        here = [cell for cell in cells if pair.id in cell.metrics]
        sharing = [cell for cell in here if pair.id not in cell.failures]
        started = time.monotonic()
        # read on first use: a pair whose images all failed to fuse needs no sources
        shared = functools.cache(functools.partial(_sources, pair, stamps))
        for cell in here:
            cell.append(_lines(cell, pair, shared, device))
            done(pair.id, cell.failures.get(pair.id))
        part = (time.monotonic() - started) / max(1, len(sharing))
        for cell in sharing:
            cell.seconds += part
    for cell in cells:
        started = time.monotonic()
        for name in cell.metrics.get(WHOLE_SET, ()):
            cell.append([set_line(cell.cell, pairs, name, cell.profile, cell.failures, device, done)])
        cell.seconds += time.monotonic() - started


def _sources(pair: Pair, stamps: SourceStamps) -> Sources:
    """Return a pair's sources. Raises ImageError for a file that is no longer the one whose hash is in the identity."""
    stored = read_pair(pair)
    stamps.check(pair)
    return sources(*map(eight_bit, stored))


def _lines(missing: Missing, pair: Pair, shared: Callable[[], Sources], device: str) -> list[dict[str, Any]]:
    failures, path = missing.failures, missing.cell.image(pair.id)
    definitions = [missing.definitions[name] for name in missing.metrics[pair.id]]
    if pair.id not in failures:
        try:
            # the stored file, not the array that was fused: what is published is what is scored
            here, fused = shared(), eight_bit(read_image(path))
            if fused.shape[:2] != here.b.levels.shape[-2:]:
                raise ImageError(f"{path} does not have its sources' size: delete it and run again.")
            scores = score_definitions(here, fused, definitions, missing.profile, device)
            # an error inside a metric of another package loses that metric's value only, but the cell is not "ok"
            if broken := next((score for score in scores if score.status == "failed"), None):
                failures[pair.id] = Failure("failed", broken.detail)
            return [_line(missing, pair.id, *scored) for scored in zip(definitions, scores, strict=True)]
        except ImageError as error:
            failures[pair.id] = Failure("failed", str(error))
    score = Score(None, failures[pair.id].status, failures[pair.id].detail)
    return [_line(missing, pair.id, definition, score) for definition in definitions]


def _line(missing: Missing, image: str, definition: Definition, score: Score) -> dict[str, Any]:
    return {
        "run": missing.cell.id,
        "image": image,
        "metric": definition.metric,
        "version": definition.version,
        "profile": missing.profile,
        **score._asdict(),
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
    """Return the line of one set-level metric; without a value if an image failed, which is added to ``failures``."""
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
        except ImageError:  # already in ``failures``: `_triples` knows which image it was
            pass
    first = next(iter(failures.values()))
    detail = f"{len(failures)} of {len(pairs)} images: {first.detail}"
    return line | {"value": None, "status": first.status, "detail": detail}


def embeddings_folder(out: Path) -> Path:
    """Return the folder of cached embeddings, shared by all cells of a runs folder."""
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
