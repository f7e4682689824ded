"""Cumulative curves of scores: (x, y) says that a fraction x of the images score at most y. Or scores by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fusionbench.errors import RequestError
from fusionbench.figures.drawing import (
    Drawing,
    add_caption,
    fit,
    legend_below,
    panel_figure,
    text_width,
    widen,
)
from fusionbench.figures.options import Options, method_names, scored_columns, setting
from fusionbench.figures.style import SMALL, Look, looks
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, one_line

if TYPE_CHECKING:
    from numpy import ndarray

PLOT, HEAD, ENTRY = 1.4, 0.75, SMALL * 1.42 / 72  # inches: axes, title and labels, a line of a legend
HANDLE = 0.32  # inches of a legend's line and the gap after it
SEED = 0  # of the random sample of images


def cumulative(values: ndarray) -> tuple[ndarray, ndarray]:
    """Return k / n and the k-th smallest of the n finite scores for k = 1..n, each [n]."""
    import numpy as np

    known = np.sort(values[np.isfinite(values)])
    return np.arange(1, len(known) + 1) / max(1, len(known)), known


def chosen_images(board: Board, sample: int | None) -> list[int]:
    """Return the indices of the images that are shown, rising: all, or ``sample`` of them chosen at random.

    Raises RequestError if there are fewer than ``sample``.
    """
    import numpy as np

    count = len(board.images)
    if sample is None:
        return list(range(count))
    if not 1 <= sample <= count:
        raise RequestError(
            f"--sample {sample}: {one_line(board.table.heading)} has 1 to {count} images to draw."
        )
    return sorted(np.random.default_rng(SEED).choice(count, sample, replace=False).tolist())


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw one panel for each set of pairs and metric; its legend gives each method's mean."""
    panels = [(board, column) for board in boards for column in scored_columns(board, options)]
    appearance = looks(method_names(boards))
    longest = max(len(board.table.rows) for board in boards)
    figure, axes, columns = panel_figure(len(panels), options.width, PLOT + HEAD + longest * ENTRY)
    for place, (board, column) in zip(axes, panels, strict=True):
        _panel(place, board, column, appearance, options, options.width / columns - 0.2)
        title = f"{column.metric} {column.arrow}"
        place.set_title(title if len(boards) == 1 else f"{title} · {one_line(board.table.title)}")
    point = (
        "Scores image by image, in the order of the split."
        if options.unsorted
        else "A point (x, y) of a curve: a fraction x of the images has a score of at most y."
    )
    sentences = [
        point,
        *([f"Drawn are {options.sample} images, chosen at random (seed {SEED})."] if options.sample else []),
        (
            "Legends give the mean over all pairs; a dash with a count: not every pair has a score, and the curve is of "
            "those that do."
        ),
        setting(boards),
    ]
    return Drawing(figure, add_caption(figure, sentences, options.caption))


def _panel(
    axes: Any, board: Board, column: Column, appearance: Mapping[str, Look], options: Options, width: float
) -> None:
    place, images = board.table.columns.index(column), chosen_images(board, options.sample)
    for row, scores in zip(board.table.rows, board.values(column.metric)[:, images], strict=True):
        x, y = (range(1, len(images) + 1), scores) if options.unsorted else cumulative(scores)
        look, mean = appearance[row.method], row.cells[place].text
        room = width - HANDLE - text_width(f"  {mean}", SMALL)
        axes.plot(
            x, y, color=look.color, linestyle=look.dashes, marker=look.marker,
            markevery=1 if options.unsorted else max(1, -(-len(x) // 8)), label=f"{fit(one_line(row.label), room, SMALL)}  {mean}",
        )  # fmt: skip
    if options.unsorted:
        axes.set(xlabel="image")
        widen(axes, range(1, len(images) + 1))
    else:
        axes.set(xlabel="fraction of images", xlim=(0, 1.02))
    legend_below(axes)
