"""The process of one turn, forked from the pool: whatever a method or a metric does ends here."""

from __future__ import annotations

import contextlib
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

from fusionbench.errors import OutputError
from fusionbench.runner.cell import run_cell
from fusionbench.runner.order import Turn
from fusionbench.runner.outcome import CellResult
from fusionbench.runner.parent import die_with_parent, end_with
from fusionbench.runner.progress import Reporter
from fusionbench.runner.score_cells import score_together
from fusionbench.weights import Weights


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

    def found(self, weights: Weights) -> None:
        self.send("found", weights)


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
    end_with(life)
    if threads is not None:
        torch.set_num_threads(threads)


def work(turn: Turn, device: str, connection: Connection) -> None:
    """Do the work of a turn and send the result of each of its cells, or why nothing can be stored."""
    reporter = PipeReporter(connection)
    try:
        for index, found in _results(turn, device, reporter):
            reporter.send("result", index, replace(found, planned=None))
    except OutputError as error:
        reporter.send("unwritable", str(error))


def _results(turn: Turn, device: str, reporter: Reporter) -> Iterable[tuple[int, CellResult]]:
    if turn.work == "score":
        return score_together(turn.unscored, device, reporter)
    (job,) = turn.jobs
    options = replace(job.options, device=device, policy=replace(job.options.policy, device=device))
    found = run_cell(job.planned, job.manifest, options, reporter, turn.patient, turn.work == "all")
    return [(job.index, found)]


def _first_to_be_killed() -> None:
    """Let Linux, when memory runs out, choose this process and not the one that was called."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may not let it
            Path("/proc/self/oom_score_adj").write_text("500")
