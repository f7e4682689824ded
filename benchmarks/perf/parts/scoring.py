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
    asked = {
        "then": (builds["then"], PAIRS, []),
        "one": (now, PAIRS, ["--jobs", "1"]),
        "two": (now, PAIRS, ["--jobs", "2"]),
        "start": (now, 1, ["--jobs", "1"]),
    }
    walls: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, (build, count, options) in asked.items():
            started = time.perf_counter()
            build.seconds(*_words(folder / f"pairs{count}"), *options)
            walls[name].append(time.perf_counter() - started)
    then, one, two, start = (statistics.median(seconds) for seconds in walls.values())
    # wall seconds say nothing where others use the cores, so the load stands beside them
    load = f"wall seconds, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield Row(f"`score --jobs 2`, {PAIRS} pairs, {load}", builds["then"].label, f"{then:.2f} s", f"{two:.2f} s", then / two, "≥ 1.8")  # fmt: skip
    yield Row(f"`score --jobs 2`, {PAIRS} pairs, beyond one pair's, {load}", "`--jobs 1`", f"{one - start:.2f} s", f"{two - start:.2f} s", (one - start) / (two - start))  # fmt: skip


def make_images(folder: Path, count: int) -> None:
    random = np.random.default_rng(0)
    for number in range(count):
        a, b = (to_uint8(0.5 + 0.2 * fractal(random, (480, 640), coarsest)) for coarsest in (24, 16))
        for name, image in (("a", a), ("b", b), ("fused", ((a.astype(int) + b + 1) // 2).astype(np.uint8))):
            write_image(folder / name / f"{number:03d}.png", image)


def _words(folder: Path) -> list[str]:
    folders = (f"--{name}={folder / name}" for name in ("a", "b", "fused"))
    return ["score", *folders, "--json"]


def _peak(build: Build, folder: Path) -> float:
    _, err = build.call(CALL, *_words(folder), "--jobs", "1")
    return float(err.strip().splitlines()[-1])
