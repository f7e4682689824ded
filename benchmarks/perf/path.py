"""Count what one pair passes on its way from `run` to the table: files and functions of the package, depth of the stack.

python benchmarks/perf/path.py                    this checkout
python benchmarks/perf/path.py --checkout DIR     another one, an earlier commit for instance

A `fusionbench run` of one method on one pair of the demo data is traced in all its processes (`sys.setprofile`), then
the table is printed. Functions count once, by where they are defined; the depth counts frames of the package only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
# A sitecustomize is imported by every Python process; forks inherit its profile function. The pool's processes leave
# by os._exit, which runs no atexit function, so that is wrapped as well.
TRACER = """
import atexit, json, os, sys, threading
root, out = os.environ["TRACED"], os.environ["TRACES"]
seen, depth, deepest = set(), {}, [0]

def trace(frame, event, argument):
    code = frame.f_code
    if not code.co_filename.startswith(root):
        return
    thread = threading.get_ident()
    if event == "call":
        depth[thread] = depth.get(thread, 0) + 1
        deepest[0] = max(deepest[0], depth[thread])
        if not code.co_name.startswith("<"):
            seen.add((code.co_filename[len(root):], code.co_qualname, code.co_firstlineno))
    elif event == "return":
        depth[thread] = depth.get(thread, 0) - 1

def write():
    sys.setprofile(None)
    with open(f"{out}/{os.getpid()}.json", "w") as file:
        json.dump([sorted(seen), deepest[0]], file)

def leave(code, leave=os._exit):
    write()
    leave(code)

os._exit = leave
atexit.register(write)
threading.setprofile(trace)
sys.setprofile(trace)
"""


def traced(checkout: Path) -> tuple[set[tuple[str, str, int]], int]:
    """Return the functions (file, name, line) that a run and its table call, and the greatest depth."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "sitecustomize.py").write_text(TRACER)
        (place / "traces").mkdir()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(place), str(checkout)]),
            "TRACED": f"{checkout}/",
            "TRACES": str(place / "traces"),
        }
        run = [
            "run",
            "--method",
            "average",
            "--no-baselines",
            "--dataset",
            "demo",
            "--limit",
            "1",
            "--device",
            "cpu",
            "--metrics",
            "en,sd",
        ]
        for verb in ([*run, "--out", "runs"], ["table", "runs"]):
            command = [sys.executable, "-m", "fusionbench", *verb]
            subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
        functions: set[tuple[str, str, int]] = set()
        deepest = 0
        for trace in (place / "traces").glob("*.json"):
            called, depth = json.loads(trace.read_text())
            functions |= {tuple(function) for function in called}
            deepest = max(deepest, depth)
    return functions, deepest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, default=HERE, help="root of the checkout to trace")
    parser.add_argument("--list", action="store_true", help="print every function")
    asked = parser.parse_args()
    functions, deepest = traced(asked.checkout.resolve())
    files = {file for file, _, _ in functions}
    if asked.list:
        print("\n".join(f"{file}:{line} {name}" for file, name, line in sorted(functions)))
    print(f"{len(files)} files, {len(functions)} functions, {deepest} frames deep")


if __name__ == "__main__":
    main()
