"""Print how long the light verbs take, beside the bare interpreter: median of five warm starts, wall seconds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

VERBS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "fusionbench --help": [sys.executable, "-m", "fusionbench", "--help"],
    "fusionbench list methods --json": [sys.executable, "-m", "fusionbench", "list", "methods", "--json"],
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    for name, command in VERBS.items():
        seconds(command)
        print(f"{name:<34} {statistics.median(seconds(command) for _ in range(5)):.3f} s")


if __name__ == "__main__":
    main()
