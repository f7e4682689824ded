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
    panels: int, width: float, height: float, least: float = 2.1
) -> tuple[Figure, list[Any], int]:
    """Return a figure of equal panels, each ``height`` inches high and at least ``least`` wide, and its columns."""
    from matplotlib.figure import Figure

    columns = max(1, min(panels, int(width // least)))
    columns = -(-panels // -(-panels // columns))  # as many rows, the last one as full as can be
    rows = -(-panels // columns)
    figure = Figure(figsize=(width, rows * height), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    return figure, axes[:panels], columns


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
