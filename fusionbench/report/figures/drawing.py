"""A finished figure, its caption, and the file it becomes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fusionbench.errors import RequestError
from fusionbench.report.figures.style import SMALL
from fusionbench.report.figures.text import wrap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".pdf", ".png", ".svg")
LINE = SMALL * 1.25 / 72  # inches between the lines of a caption
BELOW = 0.38  # inches from an x axis to the legend below its ticks and label
INK = "0.3"


class Drawing(NamedTuple):
    """``caption`` is the whole caption as plain text, whether it is drawn under the figure or not."""

    figure: Figure
    caption: str


def check_suffix(path: Path) -> str:
    """Return the suffix in lower case. Raises RequestError on one that no figure is written as."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise RequestError(f"Figures cannot be written as '{path.name}': end it in {', '.join(SUFFIXES)}.")
    return suffix


def panel_figure(
    panels: int, width: float, height: float, least: float = 2.1, group: int = 1
) -> tuple[Figure, list[Any], int]:
    """Return a figure of equal panels, each ``height`` inches high and at least ``least`` wide, and its columns.

    Every ``group`` panels that follow each other stay in one row, where the width allows that.
    """
    from matplotlib.figure import Figure

    columns = max(1, min(panels, int(width // least)))
    if group > 1 and columns >= group:
        columns -= columns % group
    else:
        columns = -(-panels // -(-panels // columns))  # as many rows, the last one as full as can be
    rows = -(-panels // columns)
    figure = Figure(figsize=(width, rows * height), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.07)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    return figure, axes[:panels], columns


def legend_below(axes: Any, columns: int = 1) -> None:
    """Put a legend under the label of the x axis, at the same distance whatever the axes' height."""
    from matplotlib.transforms import ScaledTranslation

    down = ScaledTranslation(0, -BELOW, axes.figure.dpi_scale_trans)
    axes.legend(
        loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=axes.transAxes + down, ncols=columns,
        handlelength=2.6, handletextpad=0.5, borderpad=0.0, columnspacing=1.2,
    )  # fmt: skip


def widen(axes: Any, places: Any) -> None:
    """Label whole numbers only on the x axis, and give a single one room at both sides."""
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(places) == 1:
        axes.set_xlim(places[0] - 1, places[0] + 1)


def add_caption(figure: Figure, sentences: Iterable[str], shown: bool) -> str:
    """Put a caption under a figure whose layout is constrained, the figure grows by its lines; return it."""
    text = " ".join(sentences)
    if shown:
        width, height = figure.get_size_inches()
        lines = wrap(text, width - 0.1, SMALL)
        figure.set_size_inches(width, height + len(lines) * LINE)
        figure.supxlabel("\n".join(lines), x=0.05 / width, ha="left", fontsize=SMALL, color=INK)
    return text


def save(drawing: Drawing, path: Path) -> None:
    """Write the figure; the same drawing gives the same bytes, for it holds no date.

    Raises RequestError on another suffix than .pdf, .png and .svg, OutputError where nothing can be written.
    """
    from fusionbench.files import write_through

    suffix = check_suffix(path)
    metadata: dict[str, str | None] = {"Title": drawing.caption}
    metadata |= {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}[suffix]
    write_through(path, lambda partial: drawing.figure.savefig(partial, format=suffix[1:], metadata=metadata))
