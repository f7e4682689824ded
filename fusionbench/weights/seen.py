"""Finding test pairs on which weights were trained: scores on those show memory, not fusion."""

from __future__ import annotations

import json

from fusionbench.data.pairs import Split
from fusionbench.weights.methods import Weights


def seen_pairs(weights: Weights, split: Split) -> list[str]:
    """Return the ids of the pairs of which either source is a file that these weights were trained on.

    This is known only of weights with the record of their training beside them. Files are compared by content, so renaming
    hides nothing, but a copy that was encoded again is not recognised. Raises ImageError for a source that cannot be read.
    """
    learned = _learned_from(weights)
    if not learned:
        return []
    members = zip(split.pairs, split.source_digests(), strict=True)
    return [pair.id for pair, files in members if not learned.isdisjoint(files.split())]


def _learned_from(weights: Weights) -> set[str]:
    """Return the digests of the sources in the record of a training; empty without a record of these very weights."""
    if weights.path is None:
        return set()
    try:
        about = json.loads(weights.path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # weights from elsewhere have no record, which their caption says
        return set()
    # another program's file, or one that was left beside replaced weights, says nothing of these
    if not isinstance(about, dict) or about.get("sha256") != weights.sha256:
        return set()
    return {
        digest
        for part in about.get("datasets", [])
        for files in part.get("files", [])
        for digest in files.split()
    }
