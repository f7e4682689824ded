"""Runs on disk as the result store has them: records, scores and fused images, made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from fusionbench.tables.board import Board, build_boards

IDS = ("p0", "p1", "p2", "p3")
SCORES = {
    "alpha": {"EN": [6.0, 7.0, 5.0, 6.5], "MSE": [10.0, 20.0, 30.0, 40.0]},
    "beta": {"EN": [6.1, 7.1, 5.1, 6.6], "MSE": [11.0, 22.0, 33.0, 99.0]},
    "gamma": {"EN": [6.2, 7.2, 5.2, 6.7], "MSE": [12.0, 24.0, 36.0, 48.0]},
    "copy": {"EN": [4.0, 4.0, 4.0, 4.0], "MSE": [1.0, 1.0, 1.0, None]},
}


def record(method: str, name: str = "demo", ids: tuple[str, ...] = IDS, seconds: float = 2.0) -> dict:
    kind = "trivial" if method == "copy" else "learned"
    return {
        "schema": 1,
        "id": f"run-{name}-{method}",
        "identity": {"method": {"name": method}, "data": "d" * 64, "seed": 0, "protocol": {}},
        "dataset": {
            "name": name, "title": f"The {name} set", "family": "ir-vis", "split": "test", "a": "infrared",
            "b": "visible", "pairs": len(ids), "expected": len(ids), "limit": None, "split_hash": "5" * 63 + "-",
            "ids": list(ids),
        },
        "method": {"name": method, "title": f"Method {method}", "kind": kind, "color": "luma"},
        "weights": {"source": "none", "sha256": None, "file": None, "note": ""},
        "status": "ok",
        "detail": "",
        "images": {},
        "provenance": {"device": "one CPU", "seconds": {"fuse": seconds}, "versions": {}, "finished": None},
    }  # fmt: skip


def score_rows(run: dict, scores: dict[str, list]) -> list[tuple]:
    data = run["dataset"]
    return [
        (data["name"], data["split"], run["id"], "canonical", metric, 1, image,
         "undefined" if value is None else "ok", value, "")
        for metric, values in scores.items()
        for image, value in zip(data["ids"], values, strict=True)
    ]  # fmt: skip


def board(scores: dict[str, dict[str, list]] | None = None, name: str = "demo", **options) -> Board:
    """A board in memory, without images."""
    scores = SCORES if scores is None else scores
    records = [record(method, name) for method in scores]
    rows = [row for run in records for row in score_rows(run, scores[run["method"]["name"]])]
    (built,) = build_boards(records, rows, **options)
    return built


def store(folder: Path, name: str = "demo", scores: dict[str, dict[str, list]] | None = None) -> Path:
    """Runs on disk, with images of 60 x 40: alike but for one bright square, at a place of its own by method."""
    scores = SCORES if scores is None else scores
    for number, (method, given) in enumerate(scores.items()):
        run = record(method, name)
        place = folder / f"{name}-test" / method / run["id"]
        (place / "images").mkdir(parents=True)
        (place / "run.json").write_text(json.dumps(run))
        keys = (
            "dataset",
            "split",
            "run",
            "profile",
            "metric",
            "version",
            "image",
            "status",
            "value",
            "detail",
        )
        lines = [dict(zip(keys, row, strict=True)) for row in score_rows(run, given)]
        (place / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for image in IDS:
            Image.fromarray(picture(number)).save(place / "images" / f"{image}.png")
    return folder


def picture(number: int) -> np.ndarray:
    image = np.full((40, 60), 100, dtype=np.uint8)
    image[24:32, 36:48] += np.uint8(40 * number)
    return image
