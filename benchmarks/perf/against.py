"""Measure this checkout beside an older commit in one run and write docs/performance.md.

    python benchmarks/perf/against.py [--commit 406687e] [--rounds 3] [-o docs/performance.md]

Both builds take turns on the same work, one thread each, in processes of their own; printed are medians of CPU seconds,
so that other load on the machine enters little. The older commit is exported to a temporary folder by `git archive`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import numpy as np
from compared import CLAIMED
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]

METRICS = """
import json, sys, time
import numpy as np
from fusionbench.metrics import DEFAULT, score, score_fused, sources
from fusionbench.data.demo.canvas import fractal, to_uint8
try:
    from fusionbench.metrics.memory import keep_freed_memory
    keep_freed_memory()
except ImportError:
    pass
random = np.random.default_rng(0)
a, b = (to_uint8(0.5 + 0.2 * fractal(random, (480, 640), coarsest)) for coarsest in (24, 16))
fused = ((a.astype(int) + b + 1) // 2).astype(np.uint8)
every = sys.argv[1].split(",")
pair = sources(a, b)
for names in (DEFAULT, every):
    score_fused(pair, fused, names)
calls = {"cold": lambda: score(a, b, fused, DEFAULT), "kept": lambda: score_fused(pair, fused, DEFAULT),
         "all": lambda: score(a, b, fused, every)}
for name in map(str.strip, sys.stdin):
    started = time.process_time()
    calls[name]()
    print(time.process_time() - started, flush=True)
"""


class Build:
    """One checkout: a process that scores on demand, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        self.scoring = subprocess.Popen(
            [sys.executable, "-c", METRICS, ",".join(CLAIMED)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=folder, env=self.environment,
        )  # fmt: skip

    def metrics(self, which: str) -> float:
        self.scoring.stdin.write(f"{which}\n")
        self.scoring.stdin.flush()
        return float(self.scoring.stdout.readline())

    def command(self, *words: str) -> float:
        """Return the CPU seconds of a command, those of its child processes included."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "fusionbench", *words],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def export(commit: str, folder: Path) -> Path:
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def works(folder: Path) -> dict[str, tuple[float | None, int, Callable[[Build], float]]]:
    """Return by its name the ratio to reach, the share of the rounds, and what is measured."""
    random = np.random.default_rng(0)
    for name, shape in (("a", (240, 320)), ("b", (240, 320, 3))):
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{name}.png")
    a, b, out = (str(folder / name) for name in ("a.png", "b.png", "fused.png"))
    return {
        "ten default metrics, 640x480, sources cold": (3.0, 5, lambda build: build.metrics("cold")),
        "ten default metrics, 640x480, sources kept": (2.5, 5, lambda build: build.metrics("kept")),
        f"all {len(CLAIMED)} metrics, 640x480": (2.0, 1, lambda build: build.metrics("all")),
        "`fuse -m refinefuse`, one 320x240 pair": (2.0, 1, lambda build: build.command("fuse", "-m", "refinefuse", a, b, "-o", out)),
        "`explain EN 5` on that pair": (2.0, 1, lambda build: build.command("explain", "EN", "5", "--a", a, "--b", b, "--fused", out)),
        "`list methods`": (1.0, 1, lambda build: build.command("list", "methods", "--json")),
    }  # fmt: skip


def measure(builds: dict[str, Build], folder: Path, rounds: int) -> list[dict[str, float | str | None]]:
    rows = []
    for name, (target, share, work) in works(folder).items():
        seconds: dict[str, list[float]] = {which: [] for which in builds}
        for _ in range(rounds * share):
            for which, build in builds.items():
                seconds[which].append(work(build))
        old, new = (statistics.median(seconds[which]) for which in ("then", "now"))
        rows.append({"name": name, "target": target, "then": old, "now": new, "ratio": old / new})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def page(rows: list[dict[str, float | str | None]], commit: str, rounds: int) -> str:
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())  # fmt: skip
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numba", "numpy", "scipy"))
    lines = [
        "# What things cost",
        "",
        f"Written by `python benchmarks/perf/against.py --rounds {rounds}`: this build beside commit {commit}, in turns.",
        f"One thread, medians of CPU seconds. {cpu}, Python {platform.python_version()}, {packages}.",
        "",
        f"| work | {commit} | now | ratio | to reach |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['name']} | {row['then']:.3f} s | {row['now']:.3f} s | {row['ratio']:.2f} | {row['target']} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def sections_of(path: Path) -> str:
    """Return what stands from a page's first section on: measurements that this script does not make."""
    text = path.read_text() if path.exists() else ""
    start = text.find("\n## ")
    return "" if start < 0 else text[start:]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commit", default="406687e")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        then = Path(temporary) / "then"
        then.mkdir()
        builds = {"then": Build(export(options.commit, then)), "now": Build(ROOT)}
        rows = measure(builds, Path(temporary), options.rounds)
        for build in builds.values():
            build.scoring.stdin.close()
            build.scoring.wait()
    options.output.write_text(page(rows, options.commit, options.rounds) + sections_of(options.output))


if __name__ == "__main__":
    main()
