"""Legend of colors below a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fusionbench.figures.drawing import LINE, text_width
from fusionbench.figures.style import SMALL

PATCH, BESIDE, SPACE = 0.09, 0.04, 0.1  # inches: side of a patch, between it and its name, between entries


class ColorKey(NamedTuple):
    """A name and its color, red, green and blue in 0..255."""

    name: str
    color: tuple[int, int, int]


def legend_lines(keys: Sequence[ColorKey], width: float) -> list[list[ColorKey]]:
    """Return the keys, broken into lines of ``width`` inches; no lines for no keys."""
    lines: list[list[ColorKey]] = []
    used = width
    for key in keys:
        wide = PATCH + BESIDE + text_width(key.name, SMALL) + SPACE
        if used + wide > width - 0.1:
            lines.append([])
            used = 0.0
        lines[-1].append(key)
        used += wide
    return lines


def draw_legend(axes: Any, lines: Sequence[Sequence[ColorKey]], top: float) -> None:
    """Draw lines of a legend below y = ``top`` on axes in inches."""
    from matplotlib.patches import Rectangle

    for i, line in enumerate(lines):
        x, y = 0.05, top + i * LINE
        for name, color in line:
            paint = tuple(part / 255 for part in color)
            axes.add_patch(Rectangle((x, y + 0.01), PATCH, PATCH, facecolor=paint, edgecolor="none"))
            axes.text(x + PATCH + BESIDE, y + 0.01 + PATCH / 2, name, fontsize=SMALL, va="center")
            x += PATCH + BESIDE + text_width(name, SMALL) + SPACE
