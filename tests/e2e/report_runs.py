"""Made-up runs on disk, with images and sources: what the browser test reports on, in a second and without torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset

IDS = tuple(f"{number:05d}D" for number in range(1, 8))
SIZE = (64, 48)
EVIL = '<script>window.stolen = 1</script><img src=x onerror="window.stolen = 1">'
METHODS = {
    "sharp": ("Sharp", "learned", 3.0),
    "evil": (EVIL, "learned", 2.0),
    "pyramid": ("Pyramid", "classical", 2.5),
    "average": ("Average", "trivial", 1.0),
}


def write_everything(root: Path) -> None:
    """Write ``runs`` with two data sets, and ``data`` with the sources of the first."""
    for folder, mode in (("ir", "L"), ("vi", "RGB")):
        for number, image in enumerate(IDS):
            _picture(root / "data" / "MSRS" / "test" / folder / f"{image}.png", number, mode)
    split = find_split(dataset("msrs"), "test", root / "data")
    for number, method in enumerate(METHODS):
        _run(root / "runs", "msrs", "MSRS", method, number, split.content_hash())
        _run(root / "runs", "tno", "TNO", method, number, "e" * 64)


def _picture(path: Path, seed: int, mode: str = "RGB") -> None:
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize(SIZE, Image.Resampling.BICUBIC).convert(mode).save(path)


def _run(runs: Path, name: str, title: str, method: str, seed: int, data: str) -> None:
    shown, kind, level = METHODS[method]
    run_id = f"run-{seed:06d}"
    cell = runs / f"{name}-test" / method / run_id
    for number, image in enumerate(IDS):
        _picture(cell / "images" / f"{image}.png", 100 * seed + number)
    record = {
        "schema": 1,
        "id": run_id,
        "identity": {"method": {"name": method, "files": "f" * 64}, "arguments": {}, "data": data, "seed": 0},
        "dataset": {
            "name": name, "title": title, "family": "ir-vis", "split": "test", "a": "infrared", "b": "visible",
            "pairs": len(IDS), "expected": 361, "limit": None, "split_hash": "5" * 63 + "-", "ids": list(IDS),
        },
        "method": {"name": method, "title": shown, "kind": kind, "color": "luma", "doi": None},
        "weights": {"source": "none", "sha256": None, "file": None, "note": ""},
        "status": "ok", "detail": "", "images": {},
        "provenance": {"fusionbench": "0.1.0", "versions": {"torch": "2.15.0"}, "device": "cpu", "finished": None},
    }  # fmt: skip
    (cell / "run.json").write_text(json.dumps(record), encoding="utf-8")
    lines = [
        *_lines(run_id, level, "canonical"),
        *(_lines(run_id, 10 - level, "vifb") if name == "msrs" else []),
    ]
    (cell / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _lines(run: str, level: float, profile: str) -> list[dict]:
    """Higher levels are better in EN and SD; in MSE the same numbers are worse. One image has no SD."""
    lines = []
    for metric in ("EN", "SD", "MSE") if profile == "canonical" else ("EN", "SD"):
        for number, image in enumerate(IDS):
            gap = metric == "SD" and level == 2.5 and number == 3
            lines.append(
                {
                    "run": run, "image": image, "metric": metric, "version": 1, "profile": profile,
                    "status": "undefined" if gap else "ok", "value": None if gap else level + number / 10,
                    "detail": EVIL if gap else "",
                }
            )  # fmt: skip
    return lines
