"""Learning curves of a training: its logs as one table, and drawn as a picture beside the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fusionbench.files import write_through

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def read_curves(stage: Path) -> pd.DataFrame:
    """Return the mean of each logged term by epoch, over all calls of one stage's training.

    An interrupted call has logged a part of an epoch that the next call repeats; the later log counts.
    """
    rows = _rows(stage)
    if rows.empty:
        return rows
    terms = [column for column in rows if column.startswith(("train/", "val/"))]
    return rows.groupby(rows["epoch"].astype(int))[terms].mean()


def read_steps(stage: Path, prefix: str) -> pd.DataFrame:
    """Return, by step, the values logged under names that begin with ``prefix``, over all calls as `read_curves`."""
    rows = _rows(stage)
    terms = [column for column in rows if column.startswith(prefix)]
    return rows.set_index(rows["step"].astype(int))[terms].dropna(how="all") if terms else pd.DataFrame()


def _rows(stage: Path) -> pd.DataFrame:
    """Return the valid lines of the logs of all calls, in order."""
    logs = sorted(stage.glob("csv-*/metrics.csv"), key=lambda path: int(path.parent.name.partition("-")[2]))
    frames = [pd.read_csv(log) for log in logs]
    if not logs:
        return pd.DataFrame()
    # a log's folder is named by the epoch at which its call started: earlier logs are valid up to that epoch
    ends = [int(log.parent.name.partition("-")[2]) for log in logs[1:]]
    kept = [frame[frame["epoch"] < end] for frame, end in zip(frames, ends, strict=False)]
    kept.append(frames[-1])
    return pd.concat(kept, ignore_index=True).dropna(subset="epoch")


def write_curves(folder: Path, stages: list[str]) -> Path:
    """Draw each term of each stage by epoch to ``curves.png`` (training solid, validation dashed), and return its path."""
    from matplotlib.figure import Figure

    curves = {stage: read_curves(folder / stage) for stage in stages}
    figure = Figure(figsize=(6 * len(stages), 4), layout="constrained")
    for axes, (stage, frame) in zip(
        figure.subplots(1, len(stages), squeeze=False)[0], curves.items(), strict=True
    ):
        draw_curves(axes, stage, frame)
        axes.legend(fontsize="small")
    path = folder / "curves.png"
    write_through(path, lambda partial: figure.savefig(partial, format="png", dpi=120))
    return path


def draw_curves(axes: Axes, stage: str, frame: pd.DataFrame) -> None:
    """Draw the curves of one stage from `read_curves`, with a colour for each term; the caller adds a legend."""
    for color, term in enumerate(sorted({column.partition("/")[2] for column in frame})):
        for prefix, line in (("train", "-"), ("val", "--")):
            if f"{prefix}/{term}" in frame:
                values = frame[f"{prefix}/{term}"].dropna()
                axes.plot(values.index, values, line, color=f"C{color}", label=f"{prefix} {term}")
    axes.set(title=stage, xlabel="epoch", ylabel="weighted term", yscale="symlog")
