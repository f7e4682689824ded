"""Agreement of metrics on the order of methods: a matrix of Kendall's tau-b, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fusionbench.errors import RequestError
from fusionbench.figures.drawing import Drawing, add_caption
from fusionbench.figures.options import Options, one_board, scored_columns, setting
from fusionbench.figures.style import FONT, SMALL
from fusionbench.tables.board import Board
from fusionbench.tables.model import one_line

if TYPE_CHECKING:
    from fusionbench.statistics.paired import PairedScores

CELL = 0.36  # largest side of a cell, inches
_FEW = "Agreement is between two metrics or more on two methods or more, scored on every image: score more of them."
DARK = 0.6  # magnitude of tau above which text is white


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw Kendall's tau-b of every two metrics, in -1..1. Raises RequestError for fewer than two metrics or methods."""
    from fusionbench.statistics.agreement import agreement_of
    from fusionbench.statistics.paired import paired_scores

    board = one_board(boards, "agreement")
    compared = paired_scores(board, [column.metric for column in scored_columns(board, options)])
    agreement = agreement_of(compared)
    if len(agreement.metrics) < 2 or len(agreement.methods) < 2:
        raise RequestError(_FEW)
    figure = _matrix(agreement.metrics, agreement.tau, options.width)
    return Drawing(figure, add_caption(figure, _sentences(board, compared), options.caption))


def _sentences(board: Board, comparison: PairedScores) -> list[str]:
    """Return the sentences of the caption, with each metric and method left out and why."""
    gone = [f"{one_line(name)} ({reason})" for name, reason in (*comparison.left_out, *comparison.excluded)]
    meaning = (
        f"Kendall's tau-b between metrics over the mean scores of {len(comparison.methods)} methods: 1 the same order, −1 "
        "the opposite one; lower-is-better metrics are turned round."
    )
    return [meaning, *([f"Left out: {'; '.join(gone)}."] if gone else []), setting([board])]


def _matrix(names: Sequence[str], tau: Any, width: float) -> Any:
    from matplotlib.figure import Figure

    side = min(CELL, (width - 1.3) / len(names)) * len(names)
    figure = Figure(figsize=(min(width, side + 1.3), side + 0.75), layout="constrained")
    axes = figure.subplots()
    # red and blue, lightest at 0, which color-blind readers can tell apart too
    image = axes.imshow(tau, cmap="RdBu", vmin=-1, vmax=1)
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=45, ha="left", rotation_mode="anchor")
    axes.set_yticks(ticks, names)
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    _numbers(axes, tau, min(SMALL, side / len(names) * 72 / 3))
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=18, label="Kendall's tau")
    bar.outline.set_visible(False)
    bar.ax.yaxis.label.set_fontsize(FONT)
    return figure


def _numbers(axes: Any, tau: Any, size: float) -> None:
    for (row, column), value in _entries(tau):
        known = value == value  # NaN: no order to compare
        text = f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−") if known else "–"
        color = "white" if known and abs(value) > DARK else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)


def _entries(tau: Any) -> Any:
    import numpy as np

    return np.ndenumerate(np.asarray(tau, dtype=float))
