"""Draw on a figure in inches from its upper left corner: for layouts that no grid of axes gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fusionbench.report.figures.drawing import INK
from fusionbench.report.figures.style import SMALL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def inch_axes(figure: Figure) -> Any:
    """Return axes over the whole figure whose units are inches, y downwards, with nothing drawn."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def image_axes(figure: Figure, x: float, y: float, w: float, h: float) -> Any:
    """Return axes for one picture, their upper left corner at (x, y), without ticks and frame."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((x / width, 1 - (y + h) / height, w / width, h / height))
    axes.set_axis_off()
    return axes


def write_caption(axes: Any, lines: Sequence[str], top: float) -> None:
    """Write the lines of a caption below ``top`` on axes in inches."""
    if lines:
        axes.text(0.05, top, "\n".join(lines), fontsize=SMALL, color=INK, va="top", linespacing=1.2)
