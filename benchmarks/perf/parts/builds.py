"""Checkouts that take turns on the same work, and the rows that such a measurement gives."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]


class Row(NamedTuple):
    """One line of the page: what was done, beside which code, both costs in words and theirs through ours."""

    work: str
    beside: str
    theirs: str
    ours: str
    ratio: float
    target: str = ""


@dataclass(frozen=True)
class Build:
    """One checkout, ``label`` being its commit or "now"; what runs in it uses one thread."""

    label: str
    folder: Path

    def python(self, code: str, *arguments: object, where: Path | None = None) -> subprocess.Popen[str]:
        """Start code that imports this checkout."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=where or self.folder,
            env=self.environment(),
        )

    def call(self, code: str, *arguments: object, where: Path | None = None) -> tuple[str, str]:
        """Return what code prints on standard output and on standard error. Raises CalledProcessError."""
        process = self.python(code, *arguments, where=where)
        out, err = process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args, out, err)
        return out, err

    def seconds(self, *words: object, **environment: str) -> float:
        """Return the CPU seconds of a command of fusionbench, those of its child processes included."""
        return self.seconds_of("-m", "fusionbench", *words, **environment)

    def seconds_of(self, *words: object, **environment: str) -> float:
        """Return the CPU seconds of a call of Python, those of its child processes included."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env=self.environment() | environment,
            check=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def compile(self) -> None:
        """Write the bytecode of all modules, as an installation does; otherwise a build's first call would compile it."""
        folders = [self.folder / name for name in ("fusionbench", "methods")]
        subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], check=True)

    def environment(self) -> dict[str, str]:
        # before what the caller's PYTHONPATH names, such as a folder of libraries to compare with
        path = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("PYTHONPATH"))))
        return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def exported(commit: str, folder: Path) -> Build:
    """Write the files of a commit to a folder that is made."""
    folder.mkdir()
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Build(commit, folder)


def in_turns(builds: Mapping[str, Build], work: Callable[[Build], float], rounds: int) -> dict[str, float]:
    """Return the median cost of each build; what slows the machine meanwhile slows both."""
    costs: dict[str, list[float]] = {name: [] for name in builds}
    for _ in range(rounds):
        for name, build in builds.items():
            costs[name].append(work(build))
    return {name: statistics.median(values) for name, values in costs.items()}


def seconds_row(work: str, builds: Mapping[str, Build], costs: Mapping[str, float], target: float) -> Row:
    """Return the row of CPU seconds of both builds."""
    then, now = costs["then"], costs["now"]
    return Row(work, builds["then"].label, f"{then:.3f} s", f"{now:.3f} s", then / now, f"≥ {target:g}")
