"""Finding test pairs on which weights were trained: scores on those show memory, not fusion."""

from __future__ import annotations

import json
from pathlib import Path

from fusionbench.data.pairs import Split


def seen_pairs(weights: Path | None, split: Split) -> list[str]:
    """Return the ids of the pairs with a source on which these weights were trained.

    This is known for weights with the record of their training beside them. Files are compared by content, so renaming
    hides nothing, but a re-encoded copy is not recognised. Raises ImageError for a source that cannot be read.
    """
    learned = _learned_from(weights) if weights else set()
    if not learned:
        return []
    members = zip(split.pairs, split.source_digests(), strict=True)
    return [pair.id for pair, files in members if not learned.isdisjoint(files.split())]


def _learned_from(weights: Path) -> set[str]:
    """Return the digests of the sources in the record of a training, empty without such a record."""
    try:
        about = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # weights made elsewhere have no record
        return set()
    parts = about.get("datasets", []) if isinstance(about, dict) else []
    return {digest for part in parts for files in part.get("files", []) for digest in files.split()}
