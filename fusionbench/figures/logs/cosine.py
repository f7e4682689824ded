"""Cosine between the objectives' gradients during training with PCGrad; the gradients conflict below 0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import DataNotFoundError
from fusionbench.figures.drawing import Drawing, add_caption, legend_below, panel_figure, widen
from fusionbench.figures.logs.stages import find_stages, trainings_sentence
from fusionbench.figures.options import Options
from fusionbench.figures.style import DASHES, PALETTE, SMALL

if TYPE_CHECKING:
    from pandas import DataFrame, Series

PREFIX = "train/cosine_"
PLOT, ENTRY = 1.9, SMALL * 1.42 / 72  # inches
PARTS = 50  # the running mean covers a fiftieth of the steps


def window(steps: int) -> int:
    """Return the number of steps of the running mean."""
    return max(1, round(steps / PARTS))


def draw(folders: Sequence[Path], options: Options) -> Drawing:
    """Draw a panel for each stage with cosines. Raises DataNotFoundError if none was logged."""
    from fusionbench.training.curves import read_steps

    stages = [(stage, read_steps(stage.folder, PREFIX)) for stage in find_stages(folders)]
    stages = [(stage, frame) for stage, frame in stages if not frame.empty]
    if not stages:
        raise DataNotFoundError(
            "No gradient cosine in the logs of these trainings: only methods that train with PCGrad log it."
        )
    longest = max(len(frame.columns) for _, frame in stages)
    figure, axes, _ = panel_figure(len(stages), options.width, PLOT + longest * ENTRY, 3.2)
    for place, (stage, frame) in zip(axes, stages, strict=True):
        _panel(place, stage.title, frame)
    sentences = [
        (
            "Cosine between the gradients of two objectives at each step before any projection (thin), and its running mean over a "
            "fiftieth of the steps (thick); below 0 they conflict."
        ),
        *trainings_sentence([stage for stage, _ in stages]),
    ]
    return Drawing(figure, add_caption(figure, sentences, options.caption))


def _panel(axes: Any, title: str, frame: DataFrame) -> None:
    for i, name in enumerate(frame):
        cosine = frame[name].dropna()
        color, dashes = PALETTE[i % len(PALETTE)], DASHES[i % len(DASHES)]
        mean = cosine.rolling(window(len(cosine)), center=True, min_periods=1).mean()
        axes.plot(cosine.index, cosine, color=color, linewidth=0.4, alpha=0.45)
        axes.plot(mean.index, mean, color=color, linestyle=dashes, label=_told(name, cosine))
        if len(cosine) < 3:
            axes.lines[-1].set_marker("o")
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set(title=title, xlabel="step", ylabel="cosine")
    widen(axes, frame.index)
    legend_below(axes)


def _told(name: str, cosine: Series) -> str:
    share = (cosine < 0).mean()
    mean = f"{cosine.mean():.3f}".replace("-", "−")
    return f"{name.removeprefix(PREFIX)}: mean {mean}, below 0 in {share:.0%} of the steps"
