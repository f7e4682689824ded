"""Options of a figure, and what all kinds of figures check in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fusionbench.errors import RequestError
from fusionbench.figures.style import COLUMNS
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, one_line


class CropBox(NamedTuple):
    """A part of an image in pixels, given by its upper left corner, width and height."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class Options:
    """Options of a figure, beside the records.

    ``width`` is in inches; ``caption`` draws the caption under the figure. ``metrics`` None means all that are scored,
    empty ``images`` and ``zooms`` the most disputed ones. ``measured`` is the output of `fusionbench profile --json`,
    ``costs`` names the axes of cost. ``crisp`` embeds the stored pixels of images without resampling, for vector
    formats. ``downstream`` is the task, "segment" or "detect", whose predictions are drawn over the images. ``over``
    names the arguments or kinds of noise on the x axis of lines. ``unsorted`` draws scores by image instead of
    cumulative curves, ``sample`` is the number of images to choose at random.
    """

    width: float = COLUMNS["two"]
    caption: bool = True
    metrics: tuple[str, ...] | None = None
    images: tuple[str, ...] = ()
    zooms: tuple[CropBox, ...] = ()
    data_root: str | None = None
    measured: Mapping[str, Any] | None = None
    costs: tuple[str, ...] = ()
    crisp: bool = True
    downstream: str | None = None
    over: tuple[str, ...] = ()
    unsorted: bool = False
    sample: int | None = None


def parse_box(text: str) -> CropBox:
    """Return the box written as ``x,y,w,h``. Raises RequestError for any other text, a negative corner or no size."""
    parts = text.split(",")
    try:
        x, y, w, h = (int(part) for part in parts)
    except ValueError:
        raise RequestError(
            f"--zoom '{text}' is not a box: give x,y,w,h in pixels, as in 40,60,80,60."
        ) from None
    if min(x, y) < 0 or min(w, h) < 1:
        raise RequestError(f"--zoom '{text}' is not a box: x and y begin at 0, w and h at 1.")
    return CropBox(x, y, w, h)


def one_board(boards: Sequence[Board], kind: str) -> Board:
    """Return the only board. Raises RequestError if there are several."""
    if len(boards) > 1:
        headings = "; ".join(board.table.heading for board in boards)
        raise RequestError(
            f"A figure of {kind} shows one set of pairs, the records hold {len(boards)} ({headings}): choose with "
            "--dataset or --split, or give the folders of single runs."
        )
    return boards[0]


def method_names(boards: Iterable[Board]) -> list[str]:
    """Return the distinct methods of all boards, in order of appearance."""
    return list(dict.fromkeys(row.method for board in boards for row in board.table.rows))


def scored_columns(board: Board, options: Options, by_image: bool = True) -> list[Column]:
    """Return the columns of ``options.metrics`` that have a score, by image or (``by_image`` False) as a mean.

    Raises RequestError if a requested column has no score, or none has.
    """
    scored = [c for c in board.table.columns if _scored(board, c, by_image)]
    names = {column.metric for column in scored}
    missing = [name for name in options.metrics or () if name not in names]
    if missing or not scored:
        table = board.table
        known = f"scored are {', '.join(sorted(names))}" if names else "nothing is scored"
        raise RequestError(
            f"No {' and no '.join(missing) or 'scores'} of {one_line(table.title)} ({table.split} split, profile "
            f"{table.profile}): {known}; `fusionbench run --metrics ...` adds scores."
        )
    return [column for column in scored if options.metrics is None or column.metric in options.metrics]


def _scored(board: Board, column: Column, by_image: bool) -> bool:
    import numpy as np

    if by_image:
        return bool(np.isfinite(board.values(column.metric)).any())
    place = board.table.columns.index(column)
    return any(row.cells[place].value is not None for row in board.table.rows)


def setting(boards: Sequence[Board]) -> str:
    """Return the last sentence of every caption: the sets of pairs and the profile."""
    where = "; ".join(one_line(board.table.heading) for board in boards)
    return f"{where}. Profile {boards[0].table.profile}."
