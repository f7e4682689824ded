"""Checking the labels of a split: classes of the maps, boxes inside the image, and pairs without labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fusionbench.data.checking.problem import Problem
from fusionbench.data.labels import annotated_boxes
from fusionbench.data.pairs import Split
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import ImageError, first_names
from fusionbench.types import Pair

BEYOND = 1.0  # pixels by which a box may leave the image without a warning, because annotation tools round


@dataclass(frozen=True)
class Annotated:
    """Problems of a pair's labels: why they cannot be used, and numbers of boxes outside the image or without area."""

    wrong: str = ""
    outside: int = 0
    flat: int = 0


def inspect_labels(
    spec: DatasetSpec, pair: Pair, size: tuple[int, int], label: np.ndarray | None
) -> Annotated:
    """Check the label map, uint8 [H, W] or None, and the boxes of an image of ``size`` (height, width)."""
    classes = spec.labels.classes if spec.labels else None
    if label is not None and classes and label.max() >= len(classes):
        return Annotated(
            f"'{pair.label}' holds class {label.max()}, the catalog has 0 to {len(classes) - 1} ({', '.join(classes)})"
        )
    if pair.boxes is None or spec.boxes is None:
        return Annotated()
    try:
        boxes = annotated_boxes(pair.boxes, spec.boxes, size, spec.labels)
    except ImageError as error:
        return Annotated(str(error))
    height, width = size
    outside = sum(
        min(box.left, box.top) < -BEYOND or box.right > width + BEYOND or box.bottom > height + BEYOND
        for box in boxes
    )
    return Annotated(outside=outside, flat=sum(box.area == 0 for box in boxes))


def label_problems(split: Split, annotated: Mapping[str, Annotated]) -> Iterator[Problem]:
    """Yield one problem per kind; ``annotated`` is by pair id."""
    for what, without in (
        ("label map", [pair.id for pair in split.pairs if pair.label is None]),
        ("file of boxes", [pair.id for pair in split.pairs if pair.boxes is None]),
    ):
        if 0 < len(without) < len(split.pairs):
            refusal = " (training refuses that)" if what == "label map" else ""
            yield Problem("warning", f"no {what} while others have one{refusal}: {first_names(without)}.")
    wrong = {name: labels.wrong for name, labels in annotated.items() if labels.wrong}
    if wrong:
        first = next(iter(wrong.values())).rstrip(".")
        yield Problem("error", f"labels cannot be used: {first_names(list(wrong))}. {first}.")
    outside = [name for name, labels in annotated.items() if labels.outside]
    if outside:
        yield Problem(
            "warning", f"boxes leave the image, and are cut off at its border: {first_names(outside)}."
        )
    flat = [name for name, labels in annotated.items() if labels.flat]
    if flat:
        yield Problem("warning", f"boxes without area, which count as no object: {first_names(flat)}.")
