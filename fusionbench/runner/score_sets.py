"""Score all stored images of a cell as one set: a line of scores.jsonl for each metric, under no image's name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.data.images import eight_bit, read_image, read_pair
from fusionbench.errors import ImageError
from fusionbench.metrics import definition_of
from fusionbench.runner.outcome import Done, Failure
from fusionbench.runner.store import WHOLE_SET, Cell
from fusionbench.types import Pair

if TYPE_CHECKING:
    import numpy as np


def set_hash(pairs: Iterable[Pair]) -> str:
    """Return a hash of which images make up a set; what they show is in the cell's identity."""
    return hashlib.sha256("\n".join(sorted(pair.id for pair in pairs)).encode()).hexdigest()[:16]


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
    from fusionbench.metrics.embeddings import EmbeddingCache
    from fusionbench.metrics.sets import score_set

    cache = EmbeddingCache(embeddings_folder(cell.path.parents[2]), device)
    found = score_set(metric, lambda: _triples(cell, pairs, failures, done), len(pairs), cache, profile)
    return found._asdict()


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
