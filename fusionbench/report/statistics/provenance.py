"""Whether the learned rows of a board had weights from the same place, trained on the same data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fusionbench.report.text import shorten

if TYPE_CHECKING:
    from fusionbench.report.board import Board

SOURCES = {
    "trained": "trained here",
    "shipped": "shipped",
    "imported": "imported",
    "file": "from a file",
    "random": "random",
}


# what training writes into the note, which is all that a record keeps of the data learned from
_DATA = re.compile(r"\bon (\d+ (?:of \d+ )?.+? pairs)\b")


def provenance_lessons(board: Board) -> Iterator[str]:
    """Say which rows had weights from where, where these differ, and which rows never learned anything."""
    weights = [
        (run.label, run.record["weights"]) for run in board.runs if run.record["status"] != "unavailable"
    ]
    learned = [(label, entry) for label, entry in weights if entry["source"] not in ("none", "random")]
    if len({_origin(entry) for _, entry in learned}) > 1:
        said = "; ".join(f"{label} {_origin(entry)}" for label, entry in learned)
        yield f"The weights of the {len(learned)} learned rows differ in origin, not in method alone: {said}."
    random = [label for label, entry in weights if entry["source"] == "random"]
    if random:
        rows = f"{len(random)} of {len(learned) + len(random)} rows with weights"
        yield f"{', '.join(random)}: random weights, never trained ({rows})."


def _origin(weights: dict[str, Any]) -> str:
    """Word where weights come from and what they learned from; their full note where that is not in it."""
    source = SOURCES.get(weights["source"], weights["source"])
    note = shorten(weights.get("note") or "", 100)
    data = _DATA.search(note)
    return f"{source}, {data[1] if data else note}".rstrip(", ")
