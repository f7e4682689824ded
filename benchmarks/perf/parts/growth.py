"""CPU seconds and peak memory of stats, table, report and a finished run on a million scores, beside the older commit.

The stores are 10 methods on 10 sets of 1,000 images and ten metrics; one three times as large, and one of 200 methods on 40
images. "finished cells" is what `run` reads of cells in which nothing is left to do: their scores, by `missing_metrics`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from parts.builds import Build, Row, in_turns, seconds_row
from parts.stores import make_store

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
OPTIONS = {
    "stats": ("--json",),
    "table": ("--json",),
    "report": ("--images", "0", "-o", "report.html"),
    "table --significance": ("--significance", "--json"),
}
MOST_MB, MOST_GROWTH, MOST_SECONDS = 300, 3.2, 60


def rows(builds: Mapping[str, Build], folder: Path, rounds: int, images: int = 1000) -> Iterator[Row]:
    now = builds["now"]
    for name, (sets, methods, many) in {
        "million": (10, 10, images),
        "three": (10, 10, 3 * images),
        "wide": (1, 200, 40),
    }.items():
        make_store(folder / name, sets, methods, many)
    scores = f"{1000 * images:,} scores"
    for work, target in TARGETS.items():
        peaks: dict[str, float] = {}

        def cost(build: Build, work: str = work, peaks: dict[str, float] = peaks) -> float:
            seconds, peaks[build.label] = measured(build, work, folder / "million", images)
            return seconds

        costs = in_turns(builds, cost, rounds)
        name = work if work == "finished cells" else f"`{work}`"
        yield seconds_row(f"{name}, {scores}", builds, costs, target)
        ours = peaks[now.label]
        theirs = peaks[builds["then"].label]
        yield Row(f"{name}, peak memory of that", builds["then"].label, f"{theirs:.0f} MB", f"{ours:.0f} MB", theirs / ours, f"< {MOST_MB} MB")  # fmt: skip
        larger, _ = measured(now, work, folder / "three", 3 * images)
        yield Row(f"{name}, three times the scores", "a third of them", f"{costs['now']:.2f} s", f"{larger:.2f} s", larger / costs["now"], f"≤ {MOST_GROWTH}")  # fmt: skip
    for work in ("stats", "table --significance"):
        seconds, _ = measured(now, work, folder / "wide", 40)
        yield Row(f"`{work}`, 200 methods, 40 images", "a minute", f"{MOST_SECONDS} s", f"{seconds:.1f} s", MOST_SECONDS / seconds, "≥ 1")  # fmt: skip


def measured(build: Build, work: str, runs: Path, images: int) -> tuple[float, float]:
    """Return the CPU seconds and the peak of memory in MB of one call."""
    verb = work if work in TARGETS else work.split()[0]
    _, err = build.call(MEASURED, verb, runs, images, *OPTIONS.get(work, ()), where=runs.parent)
    seconds, peak = err.strip().splitlines()[-1].split()
    return float(seconds), float(peak)
