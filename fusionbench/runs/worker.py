"""The process of one task, forked from the pool: whatever a method or a metric does ends here."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from fusionbench.cells.cell import run_cell
from fusionbench.cells.planned import CellResult
from fusionbench.cells.progress import Reporter
from fusionbench.cells.score_cells import score_together
from fusionbench.errors import OutputError
from fusionbench.metrics.memory import keep_freed_memory
from fusionbench.runs.queue import Task
from fusionbench.weights.methods import Weights


class PipeReporter(Reporter):
    """Tell the pool."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.lock = threading.Lock()

    def send(self, *message: Any) -> None:
        with self.lock:
            self.connection.send(message)

    def say(self, text: str) -> None:
        self.send("say", text)

    def start(self, label: str, total: int) -> None:
        self.send("start", label, total)

    def advance(self) -> None:
        self.send("advance")

    def stop(self) -> None:
        self.send("stop")

    def pause(self) -> None:
        self.send("pause")

    def go_on(self) -> None:
        self.send("go_on")

    def weights(self, weights: Weights) -> None:
        self.send("weights", weights)


def prepare_process(log: Path | None, life: int, threads: int | None) -> None:
    """Make the forked process one of its own: session, signals, log, an end when the pool ends."""
    os.setsid()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    handle = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    faulthandler.enable()
    _first_to_be_killed()
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)


def work(task: Task, device: str, connection: Connection) -> None:
    """Do the work of a task and send the result of each of its cells, or why nothing can be stored."""
    reporter = PipeReporter(connection)
    try:
        for index, result in _results(task, device, reporter):
            reporter.send("result", index, replace(result, planned=None))  # type: ignore[arg-type]
    except OutputError as error:
        reporter.send("unwritable", str(error))


def _results(task: Task, device: str, reporter: Reporter) -> Iterable[tuple[int, CellResult]]:
    if task.work == "score":
        return score_together(task.unscored, device, reporter)
    (job,) = task.jobs
    here = replace(job, options=replace(job.options, device=device))
    return [(job.index, run_cell(here, reporter, task.patient, task.work == "all"))]


def _first_to_be_killed() -> None:
    """Let Linux, when memory runs out, choose this process and not the one that was called."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may not let it
            Path("/proc/self/oom_score_adj").write_text("500")


PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies, even while it holds Python's lock; no other system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_with(life: int) -> None:
    """Kill this process and its children once the other end of the pipe ``life`` is closed."""
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)
