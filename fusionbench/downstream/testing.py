"""Testing of a network on a row's images: predictions are stored and scored against the labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.cells.progress import Reporter
from fusionbench.data.images import write_image
from fusionbench.data.labels import Boxes, read_boxes
from fusionbench.downstream.libraries.coco import score_boxes
from fusionbench.downstream.modules import Detections
from fusionbench.downstream.samples import IGNORED, read_map, read_rgb
from fusionbench.downstream.scoring import ResampledScores, score_maps
from fusionbench.downstream.units import Unit
from fusionbench.files import write_text

MAPS, DETECTIONS = "maps", "detections.jsonl"
Predict = Callable[[np.ndarray], Any]


def score_network(unit: Unit, predict: Predict, reporter: Reporter) -> ResampledScores:
    """Predict each test image, store the predictions in the unit's folder, and return the scores."""
    reporter.start(f"{unit.label} · test", len(unit.division.test))
    try:
        return (_test_maps if unit.network.task == "segment" else _test_boxes)(unit, predict, reporter)
    finally:
        reporter.stop()


def _test_maps(unit: Unit, predict: Predict, reporter: Reporter) -> ResampledScores:
    predicted, annotated = [], []
    for pair in unit.division.test:
        path = unit.row.test[pair.id]
        annotated.append(read_map(pair, unit.division.spec, path))
        predicted.append(predict(read_rgb(path)))
        write_image(unit.place / MAPS / f"{pair.id}.png", predicted[-1])
        reporter.advance()
    return score_maps(predicted, annotated, unit.classes, IGNORED)


def _test_boxes(unit: Unit, predict: Predict, reporter: Reporter) -> ResampledScores:
    spec = unit.division.spec
    detected: list[Detections] = []
    annotated: list[Boxes] = []
    for pair in unit.division.test:
        image = read_rgb(unit.row.test[pair.id])
        assert pair.boxes is not None
        assert spec.boxes is not None
        annotated.append(read_boxes(pair.boxes, spec.boxes, image.shape[:2], spec.labels))
        detected.append(predict(image))
        reporter.advance()
    lines = [
        {
            "image": pair.id,
            "boxes": np.round(detections.corners, 2).tolist(),
            "scores": np.round(detections.scores, 6).tolist(),
            "classes": detections.numbers.tolist(),
        }
        for pair, detections in zip(unit.division.test, detected, strict=True)
    ]
    write_text(unit.place / DETECTIONS, "".join(json.dumps(line) + "\n" for line in lines))
    return score_boxes(read_detections(unit.place), annotated, unit.classes)


def read_detections(place: Path) -> list[Detections]:
    """Return the stored detections of a result's folder, in the order of its test images."""
    lines = map(json.loads, (place / DETECTIONS).read_text(encoding="utf-8").splitlines())
    return [
        Detections(
            np.array(line["boxes"], dtype=np.float64).reshape(-1, 4),
            np.array(line["scores"], dtype=np.float64),
            np.array(line["classes"], dtype=np.int64),
        )
        for line in lines
    ]
