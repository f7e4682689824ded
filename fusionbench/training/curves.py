"""Learning curves of a training: its logs as one table, and as a picture beside the weights."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fusionbench.files import write_through


def read_curves(stage: Path) -> pd.DataFrame:
    """Return the mean of each logged term by epoch, over all calls of one stage's training.

    A call that was interrupted has logged a part of the epoch that the next call began anew; the later log holds.
    """
    logs = sorted(stage.glob("csv-*/metrics.csv"), key=lambda path: int(path.parent.name.partition("-")[2]))
    frames = [pd.read_csv(log) for log in logs]
    if not logs:
        return pd.DataFrame()
    ends = [int(log.parent.name.partition("-")[2]) for log in logs[1:]]
    kept = [frame[frame["epoch"] < end] for frame, end in zip(frames, ends, strict=False)]
    kept.append(frames[-1])
    rows = pd.concat(kept, ignore_index=True).dropna(subset="epoch")
    terms = [column for column in rows if column.startswith(("train/", "val/"))]
    return rows.groupby(rows["epoch"].astype(int))[terms].mean()


def write_curves(folder: Path, stages: list[str]) -> Path:
    """Draw every term of every stage over its epochs, training solid and validation dashed, as ``curves.png``."""
    from matplotlib.figure import Figure

    curves = {stage: read_curves(folder / stage) for stage in stages}
    figure = Figure(figsize=(6 * len(stages), 4), layout="constrained")
    for axes, (stage, frame) in zip(
        figure.subplots(1, len(stages), squeeze=False)[0], curves.items(), strict=True
    ):
        for color, term in enumerate(sorted({column.partition("/")[2] for column in frame})):
            for prefix, line in (("train", "-"), ("val", "--")):
                if f"{prefix}/{term}" in frame:
                    found = frame[f"{prefix}/{term}"].dropna()
                    axes.plot(found.index, found, line, color=f"C{color}", label=f"{prefix} {term}")
        axes.set(title=stage, xlabel="epoch", ylabel="weighted term", yscale="symlog")
        axes.legend(fontsize="small")
    path = folder / "curves.png"
    write_through(path, lambda partial: figure.savefig(partial, format="png", dpi=120))
    return path
