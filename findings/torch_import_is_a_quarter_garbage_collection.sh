#!/usr/bin/env bash
# What: of the CPU time of a process that imports torch and ends, about a quarter is Python's cyclic garbage collector: it runs
# again and again during the import, and twice over everything when the process ends.
# Versions: torch 2.14.1.
# Most expect: the time goes into loading libraries of hundreds of megabytes, which nobody but torch's authors can shorten.
# Seen: with the collector off during the import, 1.52 instead of 1.60 CPU s; with `gc.freeze()` after it, 1.16, because the last
# collections skip what is frozen. Neither changes what was imported, and all of it stays until the end anyway.
# Why it matters here: commands, worker processes and tests of a framework each import torch, many of them for less than a second of
# work. Two lines save a quarter of their start.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" torch==2.14.1 numpy==2.4.6
PYTHONPATH="$folder" OMP_NUM_THREADS=1 python3 - <<'PYTHON'
import resource
import statistics
import subprocess
import sys
from importlib.metadata import version

print("torch", version("torch"))
WAYS = {
    "import torch": "import torch",
    "the collector off meanwhile": "import gc; gc.disable(); import torch; gc.enable()",
    "and what is there frozen": "import gc; gc.disable(); import torch; gc.freeze(); gc.enable()",
}


def seconds(code):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


costs = {way: [] for way in WAYS}
for turn in range(8):
    for way, code in WAYS.items():
        cost = seconds(code)
        if turn:  # the first call writes bytecode and fills the file cache
            costs[way].append(cost)
medians = {way: statistics.median(values) for way, values in costs.items()}
for way, cost in medians.items():
    print(f"{way}: {cost:.2f} CPU s")
usual, *_, frozen = medians.values()
print(f"the first through the last: expected 1.0, seen {usual / frozen:.2f}")
sys.exit(0 if usual / frozen > 1.15 else 1)
PYTHON
