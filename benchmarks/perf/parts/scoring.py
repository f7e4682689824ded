"""`score` on 40 pairs of 640x480: wall seconds by --jobs, and the peak of memory beside that of one pair."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from parts.builds import Build, Row

from fusionbench.data.demo.canvas import fractal, to_uint8
from fusionbench.data.images import write_image

PAIRS = 40
CALL = """
import re, sys
from pathlib import Path
from fusionbench.cli import main
sys.argv[0] = "fusionbench"
try:
    main()
finally:
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    print(f"\\n{peak}", file=sys.stderr)
"""


def rows(builds: Mapping[str, Build], folder: Path, rounds: int) -> Iterator[Row]:
    now = builds["now"]
    for count in (1, PAIRS):
        make_images(folder / f"pairs{count}", count)
    peaks = [_peak(now, folder / f"pairs{count}") for count in (1, PAIRS)]
    yield Row(f"`score`, peak memory after {PAIRS} pairs of 640x480", "after one", *(f"{peak:.0f} MB" for peak in peaks), peaks[1] / peaks[0], "≤ 1.1")  # fmt: skip
    walls: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for jobs, seconds in walls.items():
            started = time.perf_counter()
            now.seconds(*_words(folder / f"pairs{PAIRS}", jobs))
            seconds.append(time.perf_counter() - started)
    one, two = map(statistics.median, walls.values())
    # wall seconds say nothing where others use the cores, so the load stands beside them
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield Row(f"`score --jobs 2`, {PAIRS} pairs, wall seconds, {load}", "`--jobs 1`", f"{one:.2f} s", f"{two:.2f} s", one / two, "≥ 1.8")  # fmt: skip


def make_images(folder: Path, count: int) -> None:
    random = np.random.default_rng(0)
    for number in range(count):
        a, b = (to_uint8(0.5 + 0.2 * fractal(random, (480, 640), coarsest)) for coarsest in (24, 16))
        for name, image in (("a", a), ("b", b), ("fused", ((a.astype(int) + b + 1) // 2).astype(np.uint8))):
            write_image(folder / name / f"{number:03d}.png", image)


def _words(folder: Path, jobs: int) -> list[str]:
    folders = (f"--{name}={folder / name}" for name in ("a", "b", "fused"))
    return ["score", *folders, "--jobs", str(jobs), "--json"]


def _peak(build: Build, folder: Path) -> float:
    _, err = build.call(CALL, *_words(folder, 1))
    return float(err.strip().splitlines()[-1])
