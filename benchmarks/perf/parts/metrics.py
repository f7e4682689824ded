"""CPU seconds of metrics on one triple of 640x480, beside the older commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from compared import CLAIMED
from parts.builds import Build, Row, in_turns, seconds_row

SERVER = """
import sys, time
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
WORKS = {
    "cold": ("ten default metrics, 640x480, sources cold", 3.0, 5),
    "kept": ("ten default metrics, 640x480, sources kept", 2.5, 5),
    "all": (f"all {len(CLAIMED)} metrics, 640x480", 2.0, 1),
}


def rows(builds: Mapping[str, Build], folder: Path, rounds: int) -> Iterator[Row]:
    servers = {build: build.python(SERVER, ",".join(CLAIMED)) for build in builds.values()}

    def asked(build: Build, name: str) -> float:
        server = servers[build]
        print(name, file=server.stdin, flush=True)
        return float(server.stdout.readline())

    for name, (work, target, share) in WORKS.items():
        yield seconds_row(work, builds, in_turns(builds, partial(asked, name=name), rounds * share), target)
    for server in servers.values():
        server.communicate()
