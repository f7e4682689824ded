"""Average precision of detections, computed by faster-coco-eval, or by pycocotools without it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from fusionbench.data.labels import Boxes
from fusionbench.downstream.modules import Detections
from fusionbench.downstream.networks import INSTALL
from fusionbench.downstream.scoring import ResampledScores, with_intervals
from fusionbench.errors import RequestError


def score_boxes(
    detected: Sequence[Detections], annotated: Sequence[Boxes], classes: Sequence[str]
) -> ResampledScores:
    """Return the AP of each class and its mean over classes, at IoU 0.5 and averaged over IoU 0.5, 0.55, ..., 0.95.

    All values are in [0, 1], by the COCO protocol (101 recalls). ``detected`` and ``annotated`` belong to the same
    images, in the same order; both may be empty for an image. A class that is not annotated has no value, one that is
    never detected has 0. Detections without area are dropped. Raises RequestError if neither library is installed.
    """
    whole = average_precision(detected, annotated, classes)

    def resample(counts: ndarray) -> dict[str, float]:
        at = np.repeat(np.arange(len(counts)), counts).tolist()
        return average_precision([detected[i] for i in at], [annotated[i] for i in at], classes)

    return with_intervals(whole, resample, len(annotated))


def average_precision(
    detected: Sequence[Detections], annotated: Sequence[Boxes], classes: Sequence[str]
) -> dict[str, float]:
    """Return the library's values by metric, NaN for a class that is not annotated."""
    coco, evaluate = _library()
    truth = _truth(annotated, classes)
    results = [
        entry for image, detections in enumerate(detected, start=1) for entry in _entries(image, detections)
    ]
    if not any(len(boxes.numbers) for boxes in annotated):
        precision = np.full((10, 101, len(classes), 1, 1), -1.0)
    elif not results:  # pycocotools cannot load an empty list
        present = {int(number) for boxes in annotated for number in boxes.numbers}
        precision = np.full((10, 101, len(classes), 1, 1), -1.0)
        precision[:, :, sorted(present)] = 0.0
    else:
        with contextlib.redirect_stdout(io.StringIO()):  # the libraries print their progress
            reference = coco()
            reference.dataset = truth
            reference.createIndex()
            run = evaluate(reference, reference.loadRes(results), "bbox")
            run.evaluate()
            run.accumulate()
        precision = run.eval["precision"]
    return _values(precision[:, :, :, 0, -1], classes)


def _values(precision: ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Return the means of precision [10 IoU thresholds, 101 recalls, classes]; -1 there means not annotated."""
    known = np.where(precision > -1, precision, np.nan)
    present = np.isfinite(known).all(axis=(0, 1))
    by_class = np.full((2, len(classes)), np.nan)
    by_class[0, present] = known[0][:, present].mean(axis=0)
    by_class[1, present] = known[:, :, present].mean(axis=(0, 1))
    means = [float(row[present].mean()) if present.any() else float("nan") for row in by_class]
    values = {"mAP50": means[0], "mAP50-95": means[1]}
    for kind, row in zip(("AP50", "AP50-95"), by_class, strict=True):
        values |= {f"{kind}:{name}": float(value) for name, value in zip(classes, row, strict=True)}
    return values


def _truth(annotated: Sequence[Boxes], classes: Sequence[str]) -> dict[str, Any]:
    """Return the annotations in the COCO format; images and classes count from 1."""
    entries: list[dict[str, Any]] = []
    for image, boxes in enumerate(annotated, start=1):
        for corners, number in zip(boxes.corners.tolist(), boxes.numbers.tolist(), strict=True):
            box = _box(corners)
            entries.append(
                {"id": len(entries) + 1, "image_id": image, "category_id": number + 1, "bbox": box,
                 "area": box[2] * box[3], "iscrowd": 0}
            )  # fmt: skip
    return {
        "info": {},
        "images": [{"id": image} for image in range(1, len(annotated) + 1)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes, start=1)],
        "annotations": entries,
    }


def _entries(image: int, detections: Detections) -> list[dict[str, Any]]:
    return [
        {"image_id": image, "category_id": int(number) + 1, "bbox": _box(corners), "score": float(score)}
        for corners, score, number in zip(*detections, strict=True)
        if corners[2] > corners[0] and corners[3] > corners[1]
    ]


def _box(corners: Sequence[float]) -> list[float]:
    left, top, right, bottom = map(float, corners)
    return [left, top, right - left, bottom - top]


def _library() -> tuple[Any, Any]:
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        try:
            from pycocotools.coco import COCO as PlainCOCO
            from pycocotools.cocoeval import COCOeval
        except ImportError as error:
            raise RequestError(f"Scoring detections needs faster-coco-eval: `{INSTALL}`.") from error
        return PlainCOCO, COCOeval
    return COCO, COCOeval_faster
