"""Finding the images behind a board: its sources below the data root, fused images in the folders of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import FusionbenchError
from fusionbench.tables.board import Board
from fusionbench.tables.model import one_line
from fusionbench.tables.runs import Run
from fusionbench.types import Pair


@dataclass(frozen=True)
class SourcePairs:
    """The pairs found, by id; ``note`` says what is missing and is empty if nothing is."""

    pairs: Mapping[str, Pair] = field(default_factory=dict)
    note: str = ""


def stored_image(run: Run, image: str) -> Path | None:
    """Return the file of a fused image, None if no folder of the run has it."""
    places = (folder / "images" / f"{image}.png" for folder in run.folders)
    return next((place for place in places if place.is_file()), None)


def find_sources(board: Board, data_root: str | None = None) -> SourcePairs:
    """Return the sources of a board found below the data root.

    Files whose content differs from that of the runs are left out. The note contains no path, because pages and figures
    are given to others.
    """
    table, wanted = board.table, set(board.images)
    title = one_line(table.title)
    try:
        split = find_split(dataset(table.dataset), table.split, data_root)
        split = replace(split, pairs=tuple(pair for pair in split.pairs if pair.id in wanted))
        if not split.pairs:
            return SourcePairs(note=_absent(title))
        if len(split.pairs) == len(wanted) and split.content_hash() != table.data:
            return SourcePairs(note=_other(title))
    except FusionbenchError:
        return SourcePairs(note=_absent(title))
    return SourcePairs(
        {pair.id: pair for pair in split.pairs}, _partial(title, len(split.pairs), len(wanted))
    )


def _absent(title: str) -> str:
    return (
        f"Only fused images are shown: the source images of {title} were not available (--data-root names the folder "
        "that holds the data sets)."
    )


def _other(title: str) -> str:
    return (
        f"Only fused images are shown: the source images of {title} that were available are not those that were fused "
        "(another data hash)."
    )


def _partial(title: str, here: int, wanted: int) -> str:
    if here == wanted:
        return ""
    return (
        f"The source images of {title} were available for {here} of {wanted} pairs, and were not compared with the "
        "runs' data hash."
    )
