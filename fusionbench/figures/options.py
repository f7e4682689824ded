"""What a figure is asked to show, beside the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fusionbench.errors import RequestError
from fusionbench.figures.style import COLUMNS
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, one_line


class Box(NamedTuple):
    """A part of an image in pixels; x and y are those of its upper left corner."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class Options:
    """``metrics`` None: all that are scored. ``images`` empty: the most disputed; ``zooms`` likewise.

    ``measured`` is what `fusionbench profile --json` printed. ``crisp`` keeps the stored pixels of images as they
    are, which formats without a resolution of their own can. ``downstream`` is the task, "segment" or "detect", whose
    predictions are drawn over the images. ``over`` names what lines are drawn over: arguments, or
    kinds of noise. ``unsorted`` curves go from image to image, ``sample`` is the number of images that are drawn at
    random.
    """

    width: float = COLUMNS["two"]
    caption: bool = True
    metrics: tuple[str, ...] | None = None
    images: tuple[str, ...] = ()
    zooms: tuple[Box, ...] = ()
    data_root: str | None = None
    measured: Mapping[str, Any] | None = None
    costs: tuple[str, ...] = ()
    crisp: bool = True
    downstream: str | None = None
    over: tuple[str, ...] = ()
    unsorted: bool = False
    sample: int | None = None


def parse_box(text: str) -> Box:
    """Read ``x,y,w,h``. Raises RequestError."""
    parts = text.split(",")
    try:
        x, y, w, h = (int(part) for part in parts)
    except ValueError:
        raise RequestError(f"--zoom '{text}' is no box: give x,y,w,h in pixels, as in 40,60,80,60.") from None
    if min(x, y) < 0 or min(w, h) < 1:
        raise RequestError(f"--zoom '{text}' is no box: x and y begin at 0, w and h at 1.")
    return Box(x, y, w, h)


def one_board(boards: Sequence[Board], kind: str) -> Board:
    """Return the only board. Raises RequestError where there are several."""
    if len(boards) > 1:
        headings = "; ".join(board.table.heading for board in boards)
        raise RequestError(
            f"A figure of {kind} shows one set of pairs, the records hold {len(boards)} ({headings}): choose with "
            "--dataset or --split, or give the folders of single runs."
        )
    return boards[0]


def method_names(boards: Iterable[Board]) -> list[str]:
    """Return the methods of all boards, each once, in their order."""
    return list(dict.fromkeys(row.method for board in boards for row in board.table.rows))


def scored_columns(board: Board, options: Options, by_image: bool = True) -> list[Column]:
    """Return the columns with any score, of those that are asked for.

    Raises RequestError where one that is asked for, or every one, has none.
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
    """Say in one sentence on which pairs and in which profile: the end of every caption."""
    where = "; ".join(one_line(board.table.heading) for board in boards)
    return f"{where}. Profile {boards[0].table.profile}."
