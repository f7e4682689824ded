"""What it costs to make a table of many scores: seconds, and whether torch was loaded, by layout and option.

    python benchmarks/perf/tables.py [--methods 25] [--pairs 400]

Writes synthetic records of the ten default metrics to a temporary folder (by default 100,000 scores), then calls the
real command line on them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sweep import line

from fusionbench.cells.store import SCHEMA, Cell
from fusionbench.files import write_json
from fusionbench.metrics import DEFAULT

CALLS = (
    (),
    ("--format", "html"),
    ("--layout", "datasets", "--format", "tex"),
    ("--spread", "sd", "--significance", "--ranks"),
    ("--spread", "ci"),
)
CODE = """
import sys
from fusionbench.cli import main
try:
    main()
finally:
    print(f"torch loaded: {'torch' in sys.modules}, pandas loaded: {'pandas' in sys.modules}", file=sys.stderr)
"""


def make_store(out: Path, methods: int, pairs: int) -> None:
    """Write the records and scores of finished runs, half of them on a second data set."""
    rng = np.random.default_rng(0)
    ids = [f"{number:05d}" for number in range(pairs)]
    for number in range(methods):
        dataset = ("msrs", "tno")[number % 2]
        cell = Cell(out / f"{dataset}-test" / f"method{number}" / f"run-{number}")
        cell.path.mkdir(parents=True)
        write_json(cell.record_file, record(cell.id, f"method{number}", dataset, ids))
        cell.append(line(cell.id, image, name, rng.random()) for image in ids for name in DEFAULT)


def record(run: str, method: str, dataset: str, ids: list[str]) -> dict[str, object]:
    data = {
        "name": dataset,
        "title": dataset,
        "family": "ir-vis",
        "split": "test",
        "a": "infrared",
        "b": "visible",
    }
    return {
        "schema": SCHEMA,
        "id": run,
        "identity": {
            "method": {"name": method},
            "arguments": {},
            "data": "0" * 64,
            "seed": 0,
            "protocol": {},
        },
        "dataset": data
        | {
            "pairs": len(ids),
            "expected": len(ids),
            "limit": None,
            "split_hash": hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest(),
            "ids": ids,
        },
        "method": {"name": method, "title": method, "kind": "learned", "color": "luma", "doi": None},
        "weights": {"source": "none", "sha256": None, "file": None, "note": ""},
        "config": {"args": {}, "stages": {}, "trainer": {}},
        "status": "ok",
        "detail": "",
        "images": {},
        "provenance": {"fusionbench": "0", "versions": {"torch": "0"}, "device": "cpu", "finished": None},
        "probe": [0.0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", type=int, default=25)
    parser.add_argument("--pairs", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_store(Path("runs"), options.methods, options.pairs)
        print(f"{options.methods * options.pairs * len(DEFAULT)} scores of {options.methods} runs")
        for call in CALLS:
            started, before = time.perf_counter(), os.times()
            command = [sys.executable, "-c", CODE, "table", "runs", *call]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            took, after = time.perf_counter() - started, os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            said = done.stderr.strip().splitlines()[-1]
            print(
                f"table {' '.join(call):<42} exit code {done.returncode}, {took:.2f} s ({cpu:.2f} s of CPU); {said}"
            )
        os.chdir("/")


if __name__ == "__main__":
    main()
