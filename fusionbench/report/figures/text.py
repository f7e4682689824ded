"""Fit text into a width: by the font's own metrics, which no screen or printer changes."""

from __future__ import annotations

from functools import cache

from fusionbench.report.figures.style import FONT


@cache
def text_width(text: str, size: float = FONT) -> float:
    """Return the width in inches of one line at ``size`` points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    # the font's own layout: outlines, which TextPath would measure, take a thousand times as long
    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)
    return width / 72


def fit(text: str, width: float, size: float = FONT) -> str:
    """Cut one line with an ellipsis where it is wider than ``width`` inches."""
    if text_width(text, size) <= width:
        return text
    kept = len(text)
    while kept > 1 and text_width(text[:kept].rstrip() + "…", size) > width:
        kept -= 1
    return text[:kept].rstrip() + "…"


def wrap(text: str, width: float, size: float = FONT) -> list[str]:
    """Break text into lines of at most ``width`` inches; a single word may be wider."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
