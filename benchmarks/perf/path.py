"""Count what one pair passes on its way from `run` to the table: files and functions of the package, depth of the stack.

python benchmarks/perf/path.py                    this checkout
python benchmarks/perf/path.py --checkout DIR     another one, an earlier commit for instance

A `fusionbench run` of one method on the demo data is traced in all its processes (`sys.setprofile`), then the table is
printed; once with one pair and once with two. Counted is every function of the package that is called, once, by where
it is defined; comprehensions and class bodies are no functions. Told apart are those that are called only while a module
is imported (decorators, the registration of verbs), those that a call runs once however many pairs it has, and those
that run again for the second pair: these are the pair's own way. The depth counts frames of the package's functions.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
# A sitecustomize is imported by every Python process; forks inherit its profile function. The pool's processes leave
# by os._exit, which runs no atexit function, so that is wrapped as well.
TRACER = """
import atexit, json, os, sys, threading
from collections import Counter
root, out = os.environ["TRACED"], os.environ["TRACES"]
calls, stacks, importing, deepest = Counter(), {}, {}, [[]]
OPTIMIZED = 1  # the flag of functions that modules and class bodies lack

def trace(frame, event, argument):
    code = frame.f_code
    if event not in ("call", "return") or not code.co_filename.startswith(root):
        return
    thread = threading.get_ident()
    if not code.co_flags & OPTIMIZED:
        # the module that is run is no import, and lasts as long as its process
        if code.co_name == "<module>" and frame.f_globals["__name__"] != "__main__":
            importing[thread] = importing.get(thread, 0) + (1 if event == "call" else -1)
        return
    stack = stacks.setdefault(thread, [])
    if event == "return":
        if stack:
            stack.pop()
        return
    name = f"{code.co_filename[len(root):]}:{code.co_firstlineno} {code.co_qualname}"
    stack.append(name)
    if len(stack) > len(deepest[0]):
        deepest[0] = list(stack)
    if not code.co_name.startswith("<"):
        calls[name] += 0 if importing.get(thread) else 1

def write():
    sys.setprofile(None)
    # under its name once it is whole: the pool kills some of its processes as soon as they have answered
    with open(f"{out}/{os.getpid()}.part", "w") as file:
        json.dump([calls, deepest[0]], file)
    os.rename(file.name, f"{out}/{os.getpid()}.json")

def leave(code, leave=os._exit):
    write()
    leave(code)

# a fork counts its own calls only: those of its parent are in the parent's file
os.register_at_fork(after_in_child=calls.clear)
os._exit = leave
atexit.register(write)
threading.setprofile(trace)
sys.setprofile(trace)
"""
RUN = "run --method average --no-baselines --dataset demo --device cpu --metrics en,sd --out runs --limit"


def traced(checkout: Path, pairs: int) -> tuple[Counter[str], list[str]]:
    """Return how often a run on so many pairs and its table call each function outside imports, and the deepest stack."""
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
        for verb in ([*RUN.split(), str(pairs)], ["table", "runs"]):
            command = [sys.executable, "-m", "fusionbench", *verb]
            subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
        calls: Counter[str] = Counter()
        deepest: list[str] = []
        for trace in (place / "traces").glob("*.json"):
            counts, stack = json.loads(trace.read_text())
            calls.update(counts)
            deepest = max(deepest, stack, key=len)
    return calls, deepest


def told(what: str, functions: list[str], show: bool) -> None:
    files = {function.partition(":")[0] for function in functions}
    print(f"{what}: {len(files)} files, {len(functions)} functions")
    if show:
        print("\n".join(f"    {function}" for function in sorted(functions)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, default=HERE, help="root of the checkout to trace")
    parser.add_argument("--list", action="store_true", help="print every function")
    asked = parser.parse_args()
    (first, deepest), (second, _) = (traced(asked.checkout.resolve(), pairs) for pairs in (1, 2))
    called = [name for name, count in first.items() if count]
    told("while importing only", [name for name, count in first.items() if not count], asked.list)
    told("in all calls", called, False)
    told("  once a call", [name for name in called if second[name] <= first[name]], asked.list)
    told("  again for each pair", [name for name in called if second[name] > first[name]], asked.list)
    print(f"deepest stack: {len(deepest)} frames")
    if asked.list:
        print("\n".join(f"    {frame}" for frame in deepest))


if __name__ == "__main__":
    main()
