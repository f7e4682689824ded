"""CPU seconds of other code for the same metrics of one triple of 640x480, by turns with ours in one process.

Plain NumPy and SciPy code (metrics_plain*.py) filters as the field's evaluators do, with whole 2-D windows; libraries are those
of `fusionbench.metrics.libraries` that are installed, each called for both sources as it stands there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from parts.builds import Build, Row

CODE = """
import json, sys
sys.path[:0] = [f"{sys.argv[1]}/benchmarks/perf", f"{sys.argv[1]}/benchmarks"]
import torch
import libraries
import metrics_timing as timing
from fusionbench.metrics import DEFAULT, definitions, score_definitions, sources
from fusionbench.metrics.libraries import CALLS
torch.set_num_threads(1)
images, repeats, found = timing.triple((640, 480)), int(sys.argv[2]), []
plain = dict([next(iter(timing.VARIANTS.items()))])
costs = timing.costs(images, DEFAULT, plain, repeats, float("inf"))
(title,) = plain
found.append(["ten default metrics", "NumPy and SciPy code, whole windows", costs.seconds[title], costs.seconds["cold"]])
here = libraries.libraries_here()
a, b, fused = images
for call in CALLS:
    if call.library in ("scikit-image", "piq", "torchmetrics") and call.library in here and call.metric != "Edge_intensity":
        definition = definitions(call.metric)[call.definition]
        calls = {
            "theirs": lambda: [libraries.library_value(call, source, fused) for source in (a, b)],
            "ours": lambda: score_definitions(sources(a, b), fused, [definition]),
        }
        for call_once in calls.values():  # imports and compiled functions are loaded by a first call
            call_once()
        seconds = timing.in_turns(calls, repeats, timing.PATIENCE).seconds
        who = f"{call.library} {here[call.library]}"
        found.append([f"{call.metric} ({call.definition})", who, seconds["theirs"], seconds["ours"]])
print(json.dumps(found))
"""


def rows(builds: Mapping[str, Build], folder: Path, rounds: int) -> Iterator[Row]:
    now = builds["now"]
    for work, beside, theirs, ours in json.loads(now.call(CODE, now.folder, rounds)[0]):
        yield Row(f"{work}, 640x480", beside, f"{1000 * theirs:.1f} ms", f"{1000 * ours:.1f} ms", theirs / ours)  # fmt: skip
