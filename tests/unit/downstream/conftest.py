"""A small labelled data set in MSRS's layout, and a runs folder that holds fused images of it."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from fusionbench.files import write_json

SIDE = 64
IDS = tuple(f"{number:05d}D" for number in range(6))


class Scenes(NamedTuple):
    """The data root and the runs folder."""

    data: Path
    runs: Path


def draw(number: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Return an image uint8 [H, W, 3] of a bright car, its label map and the car's corner."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    y, x = rng.integers(4, SIDE - 28, 2)
    image[y : y + 24, x : x + 24] = (250, 220, 40)
    labels[y : y + 24, x : x + 24] = 1
    return image, labels, (int(y), int(x))


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Scenes]:
    """Return a function that makes the data set and a new runs folder with the rows visible and infrared."""
    data = tmp_path_factory.mktemp("data")
    _write_data(data / "MSRS")

    def build() -> Scenes:
        runs = tmp_path_factory.mktemp("runs")
        for method in ("visible", "infrared"):
            _write_run(runs, method)
        return Scenes(data, runs)

    return build


def _write_data(base: Path) -> None:
    for folder in ("ir", "vi", "Segmentation_labels", "detection_labels/fusion"):
        (base / "test" / folder).mkdir(parents=True)
    for number, name in enumerate(IDS):
        image, labels, (y, x) = draw(number)
        Image.fromarray(image[..., 0]).save(base / "test" / "ir" / f"{name}.png")
        Image.fromarray(image).save(base / "test" / "vi" / f"{name}.png")
        Image.fromarray(labels).save(base / "test" / "Segmentation_labels" / f"{name}.png")
        line = f"2 {(x + 12) / SIDE} {(y + 12) / SIDE} {24 / SIDE} {24 / SIDE}\n"
        (base / "test" / "detection_labels" / "fusion" / f"{name}.txt").write_text(line if number else "")
    with (base / "split.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "role"])
        writer.writerows(
            (name, "downstream-test" if i > 3 else "downstream-train") for i, name in enumerate(IDS)
        )


def _write_run(runs: Path, method: str) -> None:
    cell = runs / "msrs-test" / method / f"run-{len(method):06x}"
    (cell / "images").mkdir(parents=True)
    for number, name in enumerate(IDS):
        image, _, _ = draw(number)
        Image.fromarray(image if method == "visible" else image[..., 0]).save(cell / "images" / f"{name}.png")
    data = {"name": "msrs", "title": "MSRS", "family": "ir-vis", "split": "test", "a": "infrared", "b": "visible",
            "pairs": 6, "expected": 361, "limit": None, "split_hash": "0" * 63 + "-", "ids": list(IDS)}  # fmt: skip
    about = {
        "name": method,
        "title": method.title(),
        "kind": "trivial",
        "color": "rgb",
        "doi": "",
        "citation": "",
        "bibtex": "",
    }
    record = {
        "schema": 1, "id": cell.name, "dataset": data, "method": about, "config": {}, "status": "ok", "detail": "",
        "identity": {"method": {"name": method, "files": "f"}, "arguments": {}, "weights": None, "data": "d" * 64, "seed": 0,
                     "protocol": {"version": 1, "device": "cpu", "batch_size": 1}},
        "weights": {"source": "none", "sha256": None, "file": None, "note": ""}, "images": {}, "probe": [0.0],
        "provenance": {"started": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T00:00:01+00:00",
                       "seconds": {"fuse": 1.0, "score": 1.0}, "versions": {}, "seed": 0},
    }  # fmt: skip
    write_json(cell / "run.json", record)
    (cell / "scores.jsonl").write_text("")
