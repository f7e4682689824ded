"""Predictions of downstream tasks, drawn over the fused images that they were made from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.cells.task_scores import TaskResult, task_results
from fusionbench.data.images import eight_bit, read_image, read_label
from fusionbench.data.labels import read_boxes
from fusionbench.data.registry import dataset
from fusionbench.errors import DataNotFoundError, ImageError, UnknownNameError
from fusionbench.figures.images.pictures import Tile
from fusionbench.figures.legend import ColorKey
from fusionbench.metrics.tasks import MAIN
from fusionbench.tables.board import Board
from fusionbench.tables.model import one_line
from fusionbench.tables.source_pairs import stored_image
from fusionbench.types import Pair

if TYPE_CHECKING:
    from numpy import ndarray

# colors of classes by number, repeated after 19; the first one is the background's, which maps do not draw
COLORS = (
    (150, 150, 150), (230, 60, 60), (60, 180, 75), (255, 200, 30), (60, 110, 230), (240, 130, 40), (160, 60, 200),
    (60, 210, 220), (240, 80, 210), (190, 230, 60), (250, 170, 190), (0, 140, 140), (200, 170, 250), (150, 90, 40),
    (250, 240, 170), (130, 20, 20), (150, 240, 180), (120, 120, 20), (250, 200, 160), (30, 30, 140),
)  # fmt: skip
SURE = 0.3  # boxes of a lower score are not drawn
OPACITY = 0.55  # opacity of a class's color over the image
BOTTOM = 0  # class of a map that is not drawn: unlabelled or background
IGNORED = 255  # number of pixels of a map that belong to no class


@dataclass(frozen=True)
class Predictions:
    """The newest result of a task for each row of a board, on the same test images; None for a row without results."""

    task: str
    results: tuple[TaskResult | None, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """Return the ids of the images that every result was tested on."""
        tested = [result.record["division"]["test"] for result in self.results if result]
        return tuple(name for name in tested[0] if all(name in other for other in tested))

    @property
    def classes(self) -> tuple[str, ...]:
        return next(tuple(result.record["classes"]) for result in self.results if result)

    @property
    def key(self) -> list[ColorKey]:
        """Return the legend: classes and their colors; maps do not draw class 0, so that it is not included."""
        first = BOTTOM + 1 if self.task == "segment" else 0
        offset = 0 if self.task == "segment" else 1
        return [ColorKey(name, color_of(i + offset)) for i, name in enumerate(self.classes) if i >= first]

    @property
    def sentence(self) -> str:
        """Return the caption's sentence on what is drawn and which networks predicted it."""
        settings = list(dict.fromkeys(result.setting for result in self.results if result))
        seeds = sorted({result.record["seed"] for result in self.results if result})
        kind = f"boxes of score {SURE} or more" if self.task == "detect" else "maps of classes"
        return f"Predicted {kind} of seed {', '.join(map(str, seeds))}: {'; '.join(settings)}."


def find_predictions(board: Board, task: str) -> Predictions:
    """Return each row's newest result of a task.

    Raises UnknownNameError for an unknown task, DataNotFoundError if there are no results on common images.
    """
    if task not in MAIN:
        raise UnknownNameError("downstream task", task, MAIN)
    results = tuple(
        _newest([r for folder in run.folders for r in task_results(folder)], task) for run in board.runs
    )
    predictions = Predictions(task, results)
    if not any(results) or not predictions.images:
        raise DataNotFoundError(
            f"The runs hold no predictions of the task {task}: `fusionbench downstream {task} --dataset {board.table.dataset}` "
            "makes them."
        )
    return predictions


def _newest(results: Sequence[TaskResult], task: str) -> TaskResult | None:
    """Return the result of the lowest seed in the setting that was finished last, or None."""
    ok = [result for result in results if result.ok and result.record["task"] == task]
    same = [result for result in ok if result.setting == ok[-1].setting]
    return min(same, key=lambda result: int(result.record["seed"]), default=None)


def overlaid(board: Board, predictions: Predictions, image: str, rows: Sequence[int]) -> list[Tile]:
    """Return the stored images of an id with the predictions on each; pixels are None if either is missing."""
    return [_overlaid(board, predictions, image, row) for row in rows]


def _overlaid(board: Board, predictions: Predictions, image: str, row: int) -> Tile:
    label = one_line(board.table.rows[row].label)
    path, result = stored_image(board.runs[row], image), predictions.results[row]
    if path is None or result is None:
        return Tile(label, None)
    pixels = eight_bit(read_image(path))
    if predictions.task == "segment":
        return Tile(label, with_map(pixels, read_label(result.path / "maps" / f"{image}.png")))
    return Tile(label, with_boxes(pixels, *stored_detections(result.path, image)))


def stored_detections(place: Path, image: str) -> tuple[list[list[float]], list[int]]:
    """Return the predicted boxes of an image with a score of at least `SURE`, and the numbers of their classes.

    Boxes are (left, top, right, bottom) in pixels. Raises ImageError if the result's detections cannot be read.
    """
    path = place / "detections.jsonl"
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        (line,) = (line for line in lines if line["image"] == image)
        kept = [i for i, score in enumerate(line["scores"]) if score >= SURE]
        return [line["boxes"][i] for i in kept], [line["classes"][i] for i in kept]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ImageError(
            f"'{path}' does not hold the detections of '{image}': delete its folder and run `downstream` again."
        ) from error


def annotated(board: Board, predictions: Predictions, pair: Pair | None) -> list[Tile]:
    """Return source b with the data set's annotations drawn over it; nothing if they are not available."""
    if pair is None:
        return []
    spec = dataset(board.table.dataset)
    try:
        pixels = eight_bit(read_image(pair.b))
        if predictions.task == "segment" and pair.label:
            return [Tile("Annotated", with_map(pixels, read_label(pair.label)))]
        if predictions.task == "detect" and pair.boxes and spec.boxes:
            boxes = read_boxes(pair.boxes, spec.boxes, pixels.shape[:2], spec.labels)
            return [Tile("Annotated", with_boxes(pixels, boxes.corners.tolist(), boxes.numbers.tolist()))]
    except ImageError:
        return []
    return []


def color_of(number: int) -> tuple[int, int, int]:
    return COLORS[number % len(COLORS)]


def with_map(pixels: ndarray, numbers: ndarray) -> ndarray:
    """Return uint8 [H, W, 3]: an image, tinted with the colors of a map of class numbers [H, W]."""
    import numpy as np

    image = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    paint = np.array([color_of(number) for number in range(256)], dtype=np.float64)[numbers]
    mixed = (1 - OPACITY) * image + OPACITY * paint
    shown = (numbers != BOTTOM) & (numbers != IGNORED)
    return np.where(shown[..., None], np.rint(mixed), image).astype(np.uint8)


def with_boxes(pixels: ndarray, boxes: Sequence[Sequence[float]], numbers: Sequence[int]) -> ndarray:
    """Return uint8 [H, W, 3]: an image with boxes (left, top, right, bottom) in the colors of their classes."""
    import numpy as np
    from PIL import Image, ImageDraw

    picture = Image.fromarray(pixels).convert("RGB")
    pen = ImageDraw.Draw(picture)
    width = max(2, round(max(picture.size) / 250))
    for box, number in zip(boxes, numbers, strict=True):
        pen.rectangle([float(value) for value in box], outline=color_of(int(number) + 1), width=width)
    return np.asarray(picture)
