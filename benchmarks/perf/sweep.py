"""What a sweep costs that has nothing left to do, and the memory of the process that was called.

    python benchmarks/perf/sweep.py [--cells 100] [--pairs 50]

Makes a store of synthetic records in a temporary folder, then calls the real command line on it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from fusionbench.cells.record import cell_of, new_record
from fusionbench.metrics import DEFAULT, definition_of
from fusionbench.runs.run import RunOptions, make_jobs, plan_all
from fusionbench.runs.sweep import expand, read_sweep
from fusionbench.weights.methods import Weights

METHODS = ("average", "infrared", "visible", "maximum", "noisy_average")
CALL = """
import re, sys, time
from pathlib import Path
started = time.perf_counter()
from fusionbench.cli import main
sys.argv = ["fusionbench", "sweep", "sweep.yaml", "--data-root", "data"]
try:
    main()
finally:
    # not getrusage: a child's peak there begins at its parent's
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    seconds = time.perf_counter() - started
    cpu = time.process_time()
    print(f"{seconds:.2f} s ({cpu:.2f} s of CPU), peak {peak:.0f} MB, torch loaded: {'torch' in sys.modules}", file=sys.stderr)
"""


def make_data(root: Path, pairs: int) -> None:
    """Write tiny pairs in MSRS's layout."""
    rng = np.random.default_rng(0)
    for folder, shape in (("ir", (16, 16)), ("vi", (16, 16, 3))):
        place = root / "MSRS" / "test" / folder
        place.mkdir(parents=True)
        for number in range(pairs):
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(place / f"{number:05d}D.png")


def make_store(cells: int) -> None:
    """Write the sweep's file, and for each of its cells the records and images of a finished run."""
    seeds = list(range(-(-cells // len(METHODS))))
    document = {"methods": list(METHODS), "datasets": ["msrs"], "seeds": seeds}
    Path("sweep.yaml").write_text(json.dumps(document))
    asked = expand(read_sweep(Path("sweep.yaml")), RunOptions((), (), data_root="data", device="cpu"))
    jobs = make_jobs(plan_all(asked))
    rng = np.random.default_rng(0)
    for job in jobs:
        cell = cell_of(job, Weights("none"))
        record = new_record(job, Weights("none"))
        cell.write_record({**record, "status": "ok"})
        (cell.path / "images").mkdir()
        for pair in job.planned.split.pairs:
            cell.image(pair.id).touch()
            cell.append(line(cell.id, pair.id, name, rng.random()) for name in DEFAULT)


def line(run: str, image: str, metric: str, value: float) -> dict[str, object]:
    version = definition_of(metric, "canonical").version
    about = {"run": run, "image": image, "metric": metric, "version": version, "profile": "canonical"}
    return {**about, "value": value, "status": "ok", "detail": ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_data(Path("data"), options.pairs)
        make_store(options.cells)
        for attempt in ("first", "second"):
            started = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", CALL], capture_output=True, text=True, check=False)
            took = time.perf_counter() - started
            print(
                f"{attempt} call, {options.cells} cells of {options.pairs} images: exit code {done.returncode},"
            )
            print(f"  {took:.2f} s with Python's start; {done.stderr.strip().splitlines()[-1]}")
        os.chdir("/")


if __name__ == "__main__":
    main()
