"""Cumulative curves: at (x, y), a fraction x of the images has a score of at most y."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fusionbench.figures.drawing import Drawing, add_caption, fit, legend_below, panel_figure, text_width
from fusionbench.figures.options import Options, method_names, scored_columns, setting
from fusionbench.figures.style import SMALL, Look, looks
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, one_line

if TYPE_CHECKING:
    from numpy import ndarray

PLOT, HEAD, ENTRY = 1.4, 0.75, SMALL * 1.42 / 72  # inches: axes, title and labels, a line of a legend
HANDLE = 0.32  # inches of a legend's line and the gap after it


def cumulative(values: ndarray) -> tuple[ndarray, ndarray]:
    """Return (k / n, the k-th smallest of n scores) for k = 1 to n; images without a score do not count."""
    import numpy as np

    known = np.sort(values[np.isfinite(values)])
    return np.arange(1, len(known) + 1) / max(1, len(known)), known


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw one panel for each set of pairs and metric, the mean of each method in its legend."""
    panels = [(board, column) for board in boards for column in scored_columns(board, options)]
    appearance = looks(method_names(boards))
    longest = max(len(board.table.rows) for board in boards)
    figure, axes, columns = panel_figure(len(panels), options.width, PLOT + HEAD + longest * ENTRY)
    for place, (board, column) in zip(axes, panels, strict=True):
        _panel(place, board, column, appearance, options.width / columns - 0.2)
        title = f"{column.metric} {column.arrow}"
        place.set_title(title if len(boards) == 1 else f"{title} · {one_line(board.table.title)}")
    sentences = [
        (
            "A point (x, y) of a curve: a fraction x of the images has a score of at most y. Legends give the mean over "
            "all pairs; a dash with a count: not every pair has a score, and the curve is of those that do."
        ),
        setting(boards),
    ]
    return Drawing(figure, add_caption(figure, sentences, options.caption))


def _panel(axes: Any, board: Board, column: Column, appearance: Mapping[str, Look], width: float) -> None:
    place = board.table.columns.index(column)
    for row, scores in zip(board.table.rows, board.values(column.metric), strict=True):
        x, y = cumulative(scores)
        look, mean = appearance[row.method], row.cells[place].text
        room = width - HANDLE - text_width(f"  {mean}", SMALL)
        axes.plot(
            x, y, color=look.color, linestyle=look.dashes, marker=look.marker,
            markevery=max(1, -(-len(x) // 8)), label=f"{fit(one_line(row.label), room, SMALL)}  {mean}",
        )  # fmt: skip
    axes.set(xlabel="fraction of images", xlim=(0, 1.02))
    legend_below(axes)
