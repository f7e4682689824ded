"""Figures of the predictions of downstream tasks for the page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from fusionbench.errors import DataNotFoundError
from fusionbench.metrics.tasks import FROZEN, MAIN
from fusionbench.report.groups import Group
from fusionbench.report.pictures import FORMAT
from fusionbench.tables.model import one_line

TITLES = {"segment": "Segmentation", "detect": "Detection"}
DPI = 130  # tiles of about 160 pixels: objects can be recognized, and a figure takes a few hundred kilobytes
QUALITY = 80


@dataclass(frozen=True)
class PredictionFigure:
    """A figure of the page; ``data`` is its image as a data URL, ``size`` its width and height in pixels."""

    title: str
    data: str
    caption: str
    size: tuple[int, int]


def prediction_figures(
    groups: Sequence[Group], data_root: str | None
) -> Iterator[tuple[str, PredictionFigure]]:
    """Yield a group's key and a figure of its predictions, for each downstream task in its table."""
    for group in groups:
        shown = {column.metric.removesuffix(FROZEN) for column in group.first.table.columns}
        for task, metrics in MAIN.items():
            if shown & set(metrics) and (figure := _figure(group, task, data_root)):
                yield group.key, figure


def _figure(group: Group, task: str, data_root: str | None) -> PredictionFigure | None:
    from fusionbench.figures import draw
    from fusionbench.figures.options import Options
    from fusionbench.figures.style import applied

    try:
        drawing = draw(
            "qualitative", [group.first], Options(caption=False, data_root=data_root, downstream=task)
        )
    except DataNotFoundError:  # scores without predictions: another machine's folder, or a bundle
        return None
    buffer = BytesIO()
    with applied():
        drawing.figure.savefig(buffer, format="png", dpi=DPI)
    picture = Image.open(buffer).convert("RGB")
    packed = BytesIO()
    picture.save(packed, FORMAT.upper(), quality=QUALITY)
    text = base64.b64encode(packed.getvalue()).decode()
    title = f"{TITLES[task]} on {one_line(group.first.table.title)}"
    return PredictionFigure(title, f"data:image/{FORMAT};base64,{text}", drawing.caption, picture.size)
