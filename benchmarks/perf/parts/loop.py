"""Which share of the CPU time of fusing is not the network's: on the main thread, and in all threads with PNG files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from parts.builds import Build, Row
from parts.scoring import make_images

PAIRS = 4
CODE = """
import json, sys, time
from pathlib import Path
import torch
from fusionbench.cells.fusing.fuse import fuse_missing
from fusionbench.cells.store import Cell
from fusionbench.metrics.memory import keep_freed_memory
from fusionbench.registry.methods import load
from fusionbench.types import Pair

torch.set_num_threads(1)
keep_freed_memory()
folder, method, network = Path(sys.argv[1]), load("refinefuse").eval(), [0.0]
fuse = method.fuse
def timed(a, b):
    started = time.thread_time()
    fused = fuse(a, b)
    network[0] += time.thread_time() - started
    return fused
method.fuse = timed
pairs = [Pair(path.stem, path, folder / "b" / path.name) for path in sorted((folder / "a").iterdir())]
fuse_missing(method, pairs[:1], Cell(folder / "first"), 1, "cpu", lambda *_: None)
network[0], main, whole = 0.0, time.thread_time(), time.process_time()
fuse_missing(method, pairs, Cell(folder / "cell"), 1, "cpu", lambda *_: None)
print(json.dumps({"main": time.thread_time() - main, "whole": time.process_time() - whole, "network": network[0]}))
"""


def rows(builds: Mapping[str, Build], folder: Path, rounds: int) -> Iterator[Row]:
    make_images(folder / "fusing", PAIRS)
    seconds = json.loads(builds["now"].call(CODE, folder / "fusing")[0])
    network = seconds["network"]
    for which, words in (("main", "main thread"), ("whole", "all threads")):
        share = 1 - network / seconds[which]
        yield Row(f"fusing {PAIRS} pairs of 640x480 by RefineFuse, {words}: {100 * share:.1f} % not the network's", "the network alone", f"{network:.2f} s", f"{seconds[which]:.2f} s", network / seconds[which], "≥ 0.98" if which == "main" else "")  # fmt: skip
