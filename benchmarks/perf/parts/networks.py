"""CPU seconds of one forward pass with shipped weights, beside the commit before the networks' layout was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from parts.builds import Build, Row, exported, in_turns, seconds_row

COMMIT = "3c31132"  # the older commit that the other parts compare with has other weights
SERVER = """
import sys, time
import numpy as np
import torch
from fusionbench.registry.methods import load, spec
from fusionbench.weights.methods import load_weights
name, weights, width, height, out = sys.argv[1:]
torch.set_num_threads(1)
method = load(name).eval()
load_weights(method, __import__("pathlib").Path(weights))
a, b = torch.rand((2, 1, 1, int(height), int(width)), generator=torch.Generator().manual_seed(0))
with torch.inference_mode():
    np.save(out, method.fuse(a, b).numpy())
    for _ in sys.stdin:
        started = time.process_time()
        method.fuse(a, b)
        print(time.process_time() - started, flush=True)
"""
PASSES = (
    ("refinefuse", "refinefuse/weights/ir-vis.safetensors", 640, 480, 1.25),
    ("dsifuse", "dsifuse/weights/ir-vis.safetensors", 640, 480, 1.5),
)


def rows(builds: Mapping[str, Build], folder: Path, rounds: int) -> Iterator[Row]:
    pair = {"then": exported(COMMIT, folder / COMMIT), "now": builds["now"]}
    for name, weights, width, height, target in PASSES:
        file = builds["now"].folder / "methods" / weights
        servers = {
            build: build.python(SERVER, name, file, width, height, folder / f"{label}.npy")
            for label, build in pair.items()
        }

        def asked(build: Build, servers: dict = servers) -> float:
            print(file=servers[build].stdin, flush=True)
            return float(servers[build].stdout.readline())

        costs = in_turns(pair, asked, 3 * rounds)
        for server in servers.values():
            server.communicate()
        then, now = (np.load(folder / f"{label}.npy") for label in pair)
        difference = np.abs(then - now).max()
        yield seconds_row(f"{name}, one pass, {width}x{height} (largest difference {difference:.0e})", pair, costs, target)  # fmt: skip
