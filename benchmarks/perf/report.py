"""What the HTML report of a large store costs, and how large it is.

    python benchmarks/perf/report.py [--records 100000] [--datasets 5] [--methods 12] [--size 320x240] [--max-mb 15]

Makes synthetic records, score lines and PNG files in a temporary folder, then calls the real command line on it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from fusionbench.metrics import DEFAULT
from fusionbench.report.embedding import DEFAULT_IMAGES

CALL = """
import sys, time
started = time.perf_counter()
from fusionbench.cli import main
sys.argv = ["fusionbench", "report", "runs", "-o", "report.html", *sys.argv[1:]]
try:
    main()
finally:
    seconds, cpu = time.perf_counter() - started, time.process_time()
    print(f"{seconds:.2f} s ({cpu:.2f} s of CPU), torch loaded: {'torch' in sys.modules}", file=sys.stderr)
"""


def make_store(folder: Path, datasets: int, methods: int, pairs: int, size: tuple[int, int]) -> None:
    """Write runs of methods whose scores differ little, and an image for every pair."""
    rng = np.random.default_rng(0)
    # a few scenes under many names: what costs is decoding and encoding, not variety
    scenes = [_scene(rng, size, folder / f"scene-{number}.png") for number in range(4)]
    for d in range(datasets):
        for m in range(methods):
            cell = folder / "runs" / f"set{d}-test" / f"method{m}" / f"{d:05d}{m:05d}"
            (cell / "images").mkdir(parents=True)
            ids = [f"{number:05d}" for number in range(pairs)]
            for number, image in enumerate(ids):
                os.link(scenes[(number + m) % len(scenes)], cell / "images" / f"{image}.png")
            (cell / "run.json").write_text(json.dumps(_record(f"set{d}", f"method{m}", m, cell.name, ids)))
            values = rng.normal(5 + m / 10, 1, (len(DEFAULT), pairs))
            (cell / "scores.jsonl").write_text("".join(_lines(cell.name, ids, values)))


def _scene(rng: np.random.Generator, size: tuple[int, int], path: Path) -> Path:
    """Soft shapes with some noise, which compress about as street scenes do."""
    soft = rng.integers(0, 256, (size[1] // 16, size[0] // 16, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(soft).resize(size, Image.Resampling.BICUBIC), dtype=np.float64)
    noisy = image + rng.normal(0, 6, image.shape)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
    return path


def _record(name: str, method: str, number: int, run: str, ids: list[str]) -> dict:
    return {
        "schema": 1,
        "id": run,
        "identity": {"method": {"name": method, "files": "f" * 64}, "arguments": {}, "data": "d" * 64, "seed": 0},
        "dataset": {
            "name": name, "title": name, "family": "ir-vis", "split": "test", "a": "infrared", "b": "visible",
            "pairs": len(ids), "expected": len(ids), "limit": None, "split_hash": "5" * 64, "ids": ids,
        },
        "method": {
            "name": method, "title": f"Method {number}", "kind": "learned" if number else "trivial",
            "color": "luma", "doi": None,
        },
        "weights": {"source": "none", "sha256": None, "file": None, "note": ""},
        "status": "ok", "detail": "", "images": {},
        "provenance": {"fusionbench": "0", "versions": {}, "device": "cpu", "finished": None},
    }  # fmt: skip


def _lines(run: str, ids: list[str], values: np.ndarray) -> list[str]:
    common = {"run": run, "version": 1, "profile": "canonical", "status": "ok", "detail": ""}
    return [
        json.dumps(common | {"metric": metric, "image": image, "value": float(values[m, i])}) + "\n"
        for m, metric in enumerate(DEFAULT)
        for i, image in enumerate(ids)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000, help="scores in all")
    parser.add_argument("--datasets", type=int, default=5)
    parser.add_argument("--methods", type=int, default=12)
    parser.add_argument("--size", default="320x240", help="of the PNG files")
    parser.add_argument("--max-mb", type=float, default=15)
    options = parser.parse_args()
    size = tuple(int(side) for side in options.size.split("x"))
    pairs = -(-options.records // (options.datasets * options.methods * len(DEFAULT)))
    with tempfile.TemporaryDirectory() as folder:
        make_store(Path(folder), options.datasets, options.methods, pairs, size)
        scores = options.datasets * options.methods * len(DEFAULT) * pairs
        print(
            f"{scores} scores, {options.datasets} data sets of {pairs} pairs, {options.methods} methods, {size}"
        )
        print(f"{options.datasets * options.methods * min(pairs, DEFAULT_IMAGES)} images of {options.size}")
        subprocess.run([sys.executable, "-c", CALL, "--max-mb", str(options.max_mb)], cwd=folder, check=True)
        print(f"report.html: {(Path(folder) / 'report.html').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
