"""Predictions of downstream tasks as transparent pictures, which the page draws over its images."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from fusionbench.cells.task_scores import TaskResult
from fusionbench.data.images import read_image, read_label
from fusionbench.data.labels import read_boxes
from fusionbench.data.registry import dataset
from fusionbench.errors import DataNotFoundError, ImageError
from fusionbench.figures.images.predictions import (
    BOTTOM,
    IGNORED,
    OPACITY,
    Predictions,
    color_of,
    find_predictions,
    stored_detections,
)
from fusionbench.figures.legend import ColorKey
from fusionbench.metrics.tasks import FROZEN, MAIN
from fusionbench.report.groups import Group
from fusionbench.tables.runs import Run
from fusionbench.tables.source_pairs import stored_image
from fusionbench.types import Pair

if TYPE_CHECKING:
    from numpy import ndarray

TITLES = {"segment": "Segmentation", "detect": "Detection"}
SIDE = 640  # pixels of the longest side
NOTHING = BOTTOM  # color number of transparent pixels


@dataclass(frozen=True)
class Overlays:
    """The predictions of one task; ``pictures`` are, by image id, the PNG of each column of the gallery in base64.

    The first two columns are the sources; source b is overlaid with the annotations. None means nothing to show.
    """

    task: str
    key: Sequence[ColorKey]
    pictures: Mapping[str, Sequence[str | None]]

    @property
    def length(self) -> int:
        """Return the number of characters of the pictures in the page."""
        return sum(len(text) + 3 for row in self.pictures.values() for text in row if text)


def tested_images(group: Group) -> tuple[str, ...]:
    """Return the ids of images that any task of a group was tested on."""
    return tuple(dict.fromkeys(image for _, predictions in _tasks(group) for image in predictions.images))


def make_overlays(group: Group, pairs: Mapping[str, Pair], images: Iterable[str]) -> list[Overlays]:
    """Return the predictions of each task in the group's table, for those of ``images`` that it was tested on."""
    images = list(images)
    return [
        Overlays(
            task,
            predictions.key,
            {
                image: _row(group, predictions, image, pairs.get(image))
                for image in images
                if image in predictions.images
            },
        )
        for task, predictions in _tasks(group)
    ]


def _tasks(group: Group) -> Iterable[tuple[str, Predictions]]:
    shown = {column.metric.removesuffix(FROZEN) for column in group.first.table.columns}
    for task, metrics in MAIN.items():
        if shown & set(metrics):
            try:
                yield task, find_predictions(group.first, task)
            except DataNotFoundError:  # scores without predictions: another machine's folder, or a bundle
                continue


def _row(group: Group, predictions: Predictions, image: str, pair: Pair | None) -> list[str | None]:
    runs = zip(group.first.runs, predictions.results, strict=True)
    return [
        None,
        _annotated(group, predictions, pair),
        *(_predicted(run, result, image) for run, result in runs),
    ]


def _predicted(run: Run, result: TaskResult | None, image: str) -> str | None:
    path = stored_image(run, image)
    if result is None or path is None:
        return None
    try:
        if result.record["task"] == "segment":
            return _png(map_picture(read_label(result.path / "maps" / f"{image}.png")), OPACITY)
        return _png(box_picture(read_image(path).shape[:2], *stored_detections(result.path, image)), 1.0)
    except ImageError:
        return None


def _annotated(group: Group, predictions: Predictions, pair: Pair | None) -> str | None:
    if pair is None:
        return None
    spec = dataset(group.first.table.dataset)
    try:
        if predictions.task == "segment" and pair.label:
            return _png(map_picture(read_label(pair.label)), OPACITY)
        if predictions.task == "detect" and pair.boxes and spec.boxes:
            size = read_image(pair.b).shape[:2]
            boxes = read_boxes(pair.boxes, spec.boxes, size, spec.labels)
            return _png(box_picture(size, boxes.corners.tolist(), boxes.numbers.tolist()), 1.0)
    except ImageError:
        return None
    return None


def map_picture(numbers: ndarray) -> Image.Image:
    """Return a map of class numbers [H, W] as a picture of color numbers, at most `SIDE` pixels on a side."""
    import numpy as np

    picture = Image.fromarray(np.where(numbers == IGNORED, NOTHING, numbers).astype(np.uint8))
    picture.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    return picture


def box_picture(size: Sequence[int], boxes: Sequence[Sequence[float]], numbers: Sequence[int]) -> Image.Image:
    """Return boxes (left, top, right, bottom) of an image of ``size`` (height, width) as a picture of color numbers."""
    scale = min(1.0, SIDE / max(size))
    picture = Image.new("L", (round(size[1] * scale), round(size[0] * scale)), NOTHING)
    pen = ImageDraw.Draw(picture)
    for box, number in zip(boxes, numbers, strict=True):
        pen.rectangle([value * scale for value in box], outline=int(number) + 1, width=2)
    return picture


def _png(picture: Image.Image, opacity: float) -> str:
    """Return a picture of color numbers as a PNG with a palette, in base64; only `NOTHING` is fully transparent."""
    colors = 1 + max(picture.tobytes())
    painted = picture.convert("P")
    painted.putpalette([value for number in range(colors) for value in color_of(number)])
    alpha = bytes([0] + [round(255 * opacity)] * (colors - 1))
    buffer = BytesIO()
    painted.save(buffer, "PNG", transparency=alpha, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def overlay_documents(overlays: Sequence[Overlays], columns: int, images: Sequence[str]) -> dict[str, Any]:
    """Return the overlays for the gallery: ``tasks`` with their colors, and ``drawn`` [image][task][column]."""
    return {
        "tasks": [
            {
                "title": TITLES[entry.task],
                "key": [{"name": k.name, "color": _css(k.color)} for k in entry.key],
            }
            for entry in overlays
        ],
        "drawn": [
            [list(entry.pictures.get(image, [None] * columns)) for entry in overlays] for image in images
        ],
    }


def _css(color: Sequence[int]) -> str:
    return f"rgb({color[0]} {color[1]} {color[2]})"
