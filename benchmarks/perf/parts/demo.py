"""CPU seconds of a newcomer's first run, on the demo data, beside the older commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from parts.builds import Build, Row, in_turns, seconds_row


def rows(builds: Mapping[str, Build], folder: Path, rounds: int) -> Iterator[Row]:
    # numba compiles once a machine and after each change of its functions: not counted here
    run(builds["now"], "average", "--no-baselines")
    costs = in_turns(builds, partial(run, method="refinefuse"), rounds)
    yield seconds_row("first `run -m refinefuse -d demo`, metrics compiled before", builds, costs, 1.7)


def run(build: Build, method: str, *options: str) -> float:
    """Return the CPU seconds of a run for which the demo's images and the list of their hashes are made anew."""
    with TemporaryDirectory() as name:
        words = ("run", "-m", method, "-d", "demo", "--device", "cpu", "--out", Path(name) / "runs", *options)
        return build.seconds(*words, FUSIONBENCH_CACHE=f"{name}/cache")
