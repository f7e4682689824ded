"""Building blocks of figures: panels, text measured in inches, captions, and writing to a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fusionbench.errors import RequestError
from fusionbench.figures.style import FONT, SMALL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SUFFIXES = (".pdf", ".png", ".svg")
LINE = SMALL * 1.25 / 72  # inches between the lines of a caption
BELOW = 0.38  # inches from an x axis to the legend below its ticks and label
INK = "0.3"


class Drawing(NamedTuple):
    """A figure and its whole caption as plain text, whether the caption is drawn under the figure or not."""

    figure: Figure
    caption: str


def check_suffix(path: Path) -> str:
    """Return the path's suffix in lower case. Raises RequestError if it is not in `SUFFIXES`."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise RequestError(f"Figures cannot be written as '{path.name}': end it in {', '.join(SUFFIXES)}.")
    return suffix


def panel_figure(
    panels: int, width: float, height: float, least: float = 2.1, group: int = 1
) -> tuple[Figure, list[Any], int]:
    """Return a figure of equal panels, their axes, and the number of columns.

    Panels are ``height`` inches high and at least ``least`` inches wide. Each ``group`` consecutive panels share a row
    if the width allows it.
    """
    from matplotlib.figure import Figure

    columns = max(1, min(panels, int(width // least)))
    if group > 1 and columns >= group:
        columns -= columns % group
    else:
        # the same number of rows, the last one as full as possible
        columns = -(-panels // -(-panels // columns))
    rows = -(-panels // columns)
    figure = Figure(figsize=(width, rows * height), layout="constrained")
    figure.set_layout_engine("constrained", h_pad=0.07)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    return figure, axes[:panels], columns


def legend_below(axes: Any, columns: int = 1) -> None:
    """Put a legend under the label of the x axis, at a distance that does not depend on the axes' height."""
    from matplotlib.transforms import ScaledTranslation

    down = ScaledTranslation(0, -BELOW, axes.figure.dpi_scale_trans)
    axes.legend(
        loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=axes.transAxes + down, ncols=columns,
        handlelength=2.6, handletextpad=0.5, borderpad=0.0, columnspacing=1.2,
    )  # fmt: skip


def widen(axes: Any, places: Any) -> None:
    """Label only whole numbers on the x axis, and leave room on both sides if there is a single one."""
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(places) == 1:
        axes.set_xlim(places[0] - 1, places[0] + 1)


def add_caption(figure: Figure, sentences: Iterable[str], shown: bool) -> str:
    """Return the caption, and if ``shown`` put it under a figure of constrained layout, which grows by its lines."""
    text = " ".join(sentences)
    if shown:
        width, height = figure.get_size_inches()
        lines = wrap(text, width - 0.1, SMALL)
        figure.set_size_inches(width, height + len(lines) * LINE)
        figure.supxlabel("\n".join(lines), x=0.05 / width, ha="left", fontsize=SMALL, color=INK)
    return text


def save(drawing: Drawing, path: Path) -> None:
    """Write the figure; the same drawing gives the same bytes because no date is written.

    Raises RequestError for a suffix other than .pdf, .png and .svg, OutputError if the file cannot be written.
    """
    from fusionbench.files import write_through

    suffix = check_suffix(path)
    metadata: dict[str, str | None] = {"Title": drawing.caption}
    metadata |= {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}[suffix]
    write_through(path, lambda partial: drawing.figure.savefig(partial, format=suffix[1:], metadata=metadata))


def inch_axes(figure: Figure) -> Any:
    """Return empty axes that cover the whole figure, in inches, with y pointing downwards."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def image_axes(figure: Figure, x: float, y: float, w: float, h: float) -> Any:
    """Return axes without ticks and frame for one picture of w x h inches, upper left corner at (x, y)."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((x / width, 1 - (y + h) / height, w / width, h / height))
    axes.set_axis_off()
    return axes


def write_caption(axes: Any, lines: Sequence[str], top: float) -> None:
    """Write the lines of a caption below y = ``top`` on axes in inches."""
    if lines:
        axes.text(0.05, top, "\n".join(lines), fontsize=SMALL, color=INK, va="top", linespacing=1.2)


@cache
def text_width(text: str, size: float = FONT) -> float:
    """Return the width in inches of one line at ``size`` points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    # the font's own layout: TextPath would build the outlines, which takes a thousand times as long
    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)
    return width / 72


def fit(text: str, width: float, size: float = FONT) -> str:
    """Return one line, cut with an ellipsis if it is wider than ``width`` inches."""
    if text_width(text, size) <= width:
        return text
    kept = len(text)
    while kept > 1 and text_width(text[:kept].rstrip() + "…", size) > width:
        kept -= 1
    return text[:kept].rstrip() + "…"


def wrap(text: str, width: float, size: float = FONT) -> list[str]:
    """Return the text broken into lines of at most ``width`` inches; a single word may be wider."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
