"""Training curves: every logged term against the epoch, a panel for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.figures.drawing import Drawing, add_caption, legend_below, panel_figure, widen
from fusionbench.figures.logs.cosine import PREFIX
from fusionbench.figures.logs.stages import find_stages, trainings_sentence
from fusionbench.figures.options import Options
from fusionbench.figures.style import SMALL

if TYPE_CHECKING:
    from pandas import DataFrame

PLOT, ENTRY = 1.9, SMALL * 1.42 / 72  # inches


def draw(folders: Sequence[Path], options: Options) -> Drawing:
    """Draw the curves of every training below the folders. Raises DataNotFoundError for a folder without a log."""
    from fusionbench.training.curves import draw_curves, read_curves

    stages = find_stages(folders)
    frames = [read_curves(stage.folder) for stage in stages]
    frames = [frame[[name for name in frame if not name.startswith(PREFIX)]] for frame in frames]
    longest = max(len(frame.columns) for frame in frames)
    figure, axes, _ = panel_figure(len(stages), options.width, PLOT + -(-longest // 2) * ENTRY, 3.2)
    for place, stage, frame in zip(axes, stages, frames, strict=True):
        draw_curves(place, stage.title, frame)
        _finish(place, frame)
    sentences = [
        "Mean of each weighted term by epoch; solid: training, dashed: validation.",
        *trainings_sentence(stages),
    ]
    return Drawing(figure, add_caption(figure, sentences, options.caption))


def _finish(axes: Any, frame: DataFrame) -> None:
    """Label the axes with plain numbers, with more ticks if the values span less than two powers of ten."""
    from matplotlib.ticker import FuncFormatter, SymmetricalLogLocator

    low, high = frame.abs().min(axis=None), frame.abs().max(axis=None)
    if high < 100 * max(low, 1.0):
        axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=2, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    widen(axes, frame.index)
    if len(frame) == 1:
        for line in axes.lines:
            line.set(marker="o", fillstyle="full" if line.get_linestyle() == "-" else "none")
    legend_below(axes, columns=2)
