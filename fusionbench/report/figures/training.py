"""Training curves: every logged term by epoch, a panel for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusionbench.report.figures.drawing import Drawing, add_caption, panel_figure
from fusionbench.report.figures.logs import describe, find_stages
from fusionbench.report.figures.options import Options
from fusionbench.report.figures.style import SMALL

PLOT, ENTRY = 1.9, SMALL * 1.42 / 72  # inches


def draw(folders: Sequence[Path], options: Options) -> Drawing:
    """Draw the curves of every training below the folders. Raises DataNotFoundError where one has no log."""
    from matplotlib.ticker import FuncFormatter

    from fusionbench.training.curves import draw_curves, read_curves

    stages = find_stages(folders)
    frames = [read_curves(stage.folder) for stage in stages]
    longest = max(len(frame.columns) for frame in frames)
    figure, axes, _ = panel_figure(len(stages), options.width, PLOT + -(-longest // 2) * ENTRY, 3.2)
    for place, stage, frame in zip(axes, stages, frames, strict=True):
        draw_curves(place, stage.title, frame)
        place.xaxis.get_major_locator().set_params(integer=True)
        place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        if len(frame) < 3:
            for line in place.lines:
                line.set_marker("o")
        place.legend(loc="upper left", bbox_to_anchor=(0, -0.24), ncols=2)
    sentences = [
        "Mean of each weighted term by epoch; solid: training, dashed: validation.",
        *describe(stages),
    ]
    return Drawing(figure, add_caption(figure, sentences, options.caption))
