"""Reading bounding boxes from YOLO lines, Pascal VOC files, or the connected parts of a label map."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy import ndarray

from fusionbench.data.images import read_label
from fusionbench.data.spec import BoxSpec, LabelSpec
from fusionbench.errors import ImageError

SMALLEST_PART = 16  # pixels: smaller connected parts of a label map are remains of occluded objects


class Box(NamedTuple):
    """One annotated object: the number of its class and its box in pixels, right and bottom exclusive."""

    number: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)


@dataclass(frozen=True)
class Boxes:
    """The objects of an image: ``corners``, float64 [N, 4], are left, top, right, bottom in pixels, ``numbers`` int64 [N].

    ``dropped`` counts the annotated boxes without area inside the image, which are not objects.
    """

    corners: ndarray
    numbers: ndarray
    dropped: int = 0


def read_boxes(path: Path, spec: BoxSpec, size: tuple[int, int], labels: LabelSpec | None = None) -> Boxes:
    """Return the boxes of an image of ``size`` (height, width), clipped at its border.

    The file's suffix determines the format: .txt is YOLO, .xml Pascal VOC, and an image a label map of the classes in
    ``labels``. An empty file means no object. Raises ImageError for invalid files and unknown classes.
    """
    height, width = size
    inside: list[Box] = []
    annotated = annotated_boxes(path, spec, size, labels)
    for box in annotated:
        x = np.clip([box.left, box.right], 0, width)
        y = np.clip([box.top, box.bottom], 0, height)
        inside.append(Box(box.number, float(x[0]), float(y[0]), float(x[1]), float(y[1])))
    kept = [box for box in inside if box.area > 0]
    corners = np.array([box[1:] for box in kept], dtype=np.float64).reshape(-1, 4)
    numbers = np.array([box.number for box in kept], dtype=np.int64)
    return Boxes(corners, numbers, len(annotated) - len(kept))


def annotated_boxes(
    path: Path, spec: BoxSpec, size: tuple[int, int], labels: LabelSpec | None = None
) -> list[Box]:
    """Return boxes as annotated, which may leave the image or have no area. Arguments and errors as `read_boxes`."""
    if path.suffix.lower() == ".txt":
        return list(_yolo(path, spec, size))
    if path.suffix.lower() == ".xml":
        return list(_voc(path, spec))
    return list(_parts(path, spec, labels))


def _yolo(path: Path, spec: BoxSpec, size: tuple[int, int]) -> Iterator[Box]:
    """Yield the boxes of lines ``class cx cy w h``, whose last four are fractions of the image's width and height."""
    height, width = size
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            class_text, *texts = line.split()
            kind, (cx, cy, w, h) = int(class_text), map(float, texts)
        except ValueError as error:
            raise ImageError(
                f"'{path}' line {number} is not a YOLO box: write a class number and four numbers, not '{line.strip()[:60]}'."
            ) from error
        if not 0 <= kind < len(spec.classes):
            raise ImageError(f"'{path}' line {number} has class {kind}: {_known(spec)}.")
        if not all(map(math.isfinite, (cx, cy, w, h))):
            raise ImageError(f"'{path}' line {number} holds a number that is not finite: fix that line.")
        yield Box(
            kind, (cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height
        )


def _voc(path: Path, spec: BoxSpec) -> Iterator[Box]:
    """Yield the boxes of Pascal VOC objects, whose corners are pixel numbers from 1 on, both inclusive."""
    text = _text(path)
    if not text.strip():
        return
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ImageError(
            f"'{path}' is not readable XML ({error}): replace it by the original file."
        ) from error
    for number, item in enumerate(root.iter("object"), start=1):
        name = (item.findtext("name") or "").strip()
        kind = spec.number_of(name)
        if kind is None:
            raise ImageError(f"'{path}' object {number} has class '{name}': {_known(spec)}.")
        try:
            left, top, right, bottom = (
                float(item.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")
            )
        except ValueError as error:
            raise ImageError(
                f"'{path}' object {number} lacks a bndbox with xmin, ymin, xmax and ymax: fix it."
            ) from error
        yield Box(kind, left - 1, top - 1, right, bottom)


def _parts(path: Path, spec: BoxSpec, labels: LabelSpec | None) -> Iterator[Box]:
    """Yield the box around each connected part of a label map whose class is one of the boxes' classes."""
    from scipy import ndimage

    if labels is None:
        raise ImageError(f"'{path}' is a label map, but the data set names no classes of label maps.")
    numbers = read_label(path)
    for kind, name in enumerate(spec.classes):
        if name not in labels.classes:
            continue
        parts, _ = ndimage.label(numbers == labels.classes.index(name), structure=np.ones((3, 3)))
        sizes = np.bincount(parts.ravel())
        for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1):
            if sizes[number] >= SMALLEST_PART:
                yield Box(kind, columns.start, rows.start, columns.stop, rows.stop)


def _text(path: Path) -> str:
    try:
        # label tools on Windows write a byte order mark
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ImageError(
            f"'{path}' cannot be read ({error.strerror}): restore it or check its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise ImageError(f"'{path}' is not text: replace it by the original file.") from error


def _known(spec: BoxSpec) -> str:
    return f"classes are {', '.join(f'{i} {name}' for i, name in enumerate(spec.classes))}"
