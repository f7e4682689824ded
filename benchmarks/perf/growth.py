"""What many stored scores cost beside an older commit: CPU seconds and peak memory of stats, table, report and re-reading.

    python benchmarks/perf/growth.py [--commit 406687e] [--images 1000] [--sets 10] [--rows 10] [--rounds 1] [--works stats,table]

Writes finished synthetic runs of ten metrics (by default 10 methods on 10 sets of 1,000 images: a million scores), then
calls both builds' command lines on them in turns. "finished cells" is what `run` reads of cells in which nothing is
left to do: their scores, by `missing_metrics`. The older commit is exported by `git archive`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from against import ROOT, export
from sweep import line
from tables import record

from fusionbench.cells.columns import keep_columns
from fusionbench.cells.store import Cell
from fusionbench.files import write_json
from fusionbench.metrics import DEFAULT

TARGETS = {"stats": 3.0, "table": 2.0, "report": 2.0, "finished cells": 3.0}
MEASURED = """
import re, sys, time
from pathlib import Path
try:
    if sys.argv[1] == "finished cells":
        from types import SimpleNamespace
        try:
            from fusionbench.cells.done import missing_metrics
            from fusionbench.cells.store import Cell
        except ImportError:  # as the older commit names them
            from fusionbench.runner.done import missing_metrics
            from fusionbench.runner.store import Cell
        from fusionbench.metrics import DEFAULT
        images = [SimpleNamespace(id=f"{number:05d}") for number in range(int(sys.argv[3]))]
        for path in Path(sys.argv[2]).glob("*/*/*"):
            missing_metrics(Cell(path), images, DEFAULT, "canonical")  # versions differ between builds
    else:
        from fusionbench.cli import main
        sys.argv = ["fusionbench", sys.argv[1], sys.argv[2], *sys.argv[4:]]
        main()
finally:
    # not getrusage: a child's peak there begins at its parent's
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    print(f"\\n{time.process_time()} {peak}", file=sys.stderr)
"""


def make_store(out: Path, sets: int, rows: int, images: int) -> None:
    """Write the records and scores of finished runs, with the copies that `run` makes of large ones."""
    draw = np.random.default_rng(0)
    ids = [f"{number:05d}" for number in range(images)]
    for place in range(sets):
        for number in range(rows):
            cell = Cell(out / f"set{place}-test" / f"method{number}" / f"run-{number}")
            cell.path.mkdir(parents=True)
            write_json(cell.record_file, record(cell.id, f"method{number}", f"set{place}", ids))
            values = 0.1 * number + draw.random((images, len(DEFAULT)))
            cell.append(
                line(cell.id, image, name, value)
                for image, row in zip(ids, values.tolist(), strict=True)
                for name, value in zip(DEFAULT, row, strict=True)
            )
            keep_columns(cell)


def measure(build: Path, folder: Path, work: str, images: int) -> tuple[float, float]:
    """Return the CPU seconds and the peak of memory in MB of one call."""
    asked = {
        "report": ["--images", "0", "-o", str(folder / "report.html")],
        "table": ["--json"],
        "stats": ["--json"],
    }
    command = [sys.executable, "-c", MEASURED, work, str(folder / "runs"), str(images), *asked.get(work, [])]
    environment = os.environ | {"PYTHONPATH": str(build), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    seconds, peak = done.stderr.strip().splitlines()[-1].split()
    return float(seconds), float(peak)


def compared(options: argparse.Namespace, folder: Path) -> list[dict[str, float | str]]:
    (folder / "then").mkdir()
    builds = {"then": export(options.commit, folder / "then"), "now": ROOT}
    make_store(folder / "runs", options.sets, options.rows, options.images)
    rows: list[dict[str, float | str]] = []
    for work in options.works.split(","):
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in builds}
        for _ in range(options.rounds):
            for name, build in builds.items():
                costs[name].append(measure(build, folder, work, options.images))
        then, now = (
            [statistics.median(column) for column in zip(*costs[name], strict=True)] for name in builds
        )
        rows.append(
            {"work": work, "target": TARGETS[work], "then": then[0], "now": now[0], "ratio": then[0] / now[0]}
            | {"then_mb": then[1], "now_mb": now[1]}
        )
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commit", default="406687e")
    parser.add_argument("--works", default=",".join(TARGETS))
    for name, default in (("images", 1000), ("sets", 10), ("rows", 10), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = compared(options, Path(folder))
    scores = options.sets * options.rows * options.images * len(DEFAULT)
    print(f"{scores} scores, CPU seconds and peak MB: {options.commit}, now, ratio (to reach)")
    for row in rows:
        print(
            f"  {row['work']:<15} {row['then']:7.2f} s {row['then_mb']:5.0f} MB  {row['now']:7.2f} s {row['now_mb']:5.0f} MB"
            f"  {row['ratio']:5.2f} ({row['target']})"
        )


if __name__ == "__main__":
    main()
