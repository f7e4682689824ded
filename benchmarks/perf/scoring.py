"""What scoring costs when methods share the statistics of the sources, beside methods scored one by one.

    python benchmarks/perf/scoring.py [--pairs 4] [--methods average,infrared,visible,maximum]

Generates pairs of 640x480 pixels in MSRS's layout. `fusionbench run` is called once a method, where nothing can be
shared, and once for all of them. Printed are the seconds of scoring that run.json records; the scores must agree.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np


def make_data(root: Path, pairs: int) -> None:
    """Write smooth shapes with a little noise."""
    rng = np.random.default_rng(0)
    for folder, channels in (("ir", 1), ("vi", 3)):
        place = root / "MSRS" / "test" / folder
        place.mkdir(parents=True)
        for number in range(pairs):
            coarse = rng.uniform(0, 255, (12, 16, channels)).astype(np.float32)
            image = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC).reshape(480, 640, channels)
            image += rng.normal(0, 5, image.shape)
            cv2.imwrite(str(place / f"{number:05d}D.png"), image.clip(0, 255).astype(np.uint8))


def run(methods: str, folder: Path, out: str) -> tuple[float, list[str]]:
    """Return the seconds of scoring in all records of the folder, and the lines of its scores."""
    command = [sys.executable, "-m", "fusionbench", "run", "-m", methods, "-d", "msrs", "--no-baselines"]
    command += ["--jobs", "1", "--data-root", "data", "--out", out]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    records = [json.loads(path.read_text()) for path in (folder / out).glob("*/*/*/run.json")]
    lines = [
        line for path in (folder / out).glob("*/*/*/scores.jsonl") for line in path.read_text().splitlines()
    ]
    return sum(record["provenance"]["seconds"]["score"] for record in records), sorted(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--methods", default="average,infrared,visible,maximum")
    options = parser.parse_args()
    methods = options.methods.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder / "data", options.pairs)
        for method in methods:
            alone, of_alone = run(method, folder, "alone")
        together, of_together = run(options.methods, folder, "together")
    if of_alone != of_together:
        sys.exit("The scores differ.")
    triples = options.pairs * len(methods)
    print(f"{len(methods)} methods on {options.pairs} pairs of 640x480, {len(of_alone)} equal scores:")
    print(f"  one by one   {alone:7.2f} s   {alone / triples:.3f} s an image")
    print(f"  together     {together:7.2f} s   {together / triples:.3f} s an image")
    print(f"  ratio        {together / alone:7.2f}")


if __name__ == "__main__":
    main()
