"""The process of one task, forked from the pool, which contains whatever a method or metric does."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from fusionbench.cells.cell import run_cell
from fusionbench.cells.progress import Reporter
from fusionbench.cells.score_cells import score_together
from fusionbench.errors import OutputError
from fusionbench.metrics.memory import keep_freed_memory
from fusionbench.runs.processes import die_with_parent
from fusionbench.runs.queue import Task
from fusionbench.weights.methods import Weights


class PipeReporter(Reporter):
    """A reporter that sends everything to the pool, from any thread."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        # a connection's messages are not atomic, and images are reported from the threads that write them
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
    """Set up the forked process: its session, signals and log, and that it ends when the pool ends.

    ``log`` None discards output. ``life`` is the reading end of a pipe that the pool holds open. ``threads`` limits
    torch's threads.
    """
    # a session, and so a process group, of its own: the pool kills the whole group, with what a method started
    os.setsid()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # descriptors 1 and 2 rather than sys.stdout, so that output of C libraries and of commands gets into the log too
    handle = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    # a crash in C code leaves at least a Python traceback in the log
    faulthandler.enable()
    # when memory runs out, Linux is to kill this process rather than the one that the user started; containers may forbid it
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")
    # for systems on which `die_with_parent` has no effect
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)


def work(connection: Connection, task: Task, device: str) -> None:
    """Do the work of a task and send the result of each cell, or the reason why results cannot be stored."""
    reporter = PipeReporter(connection)
    try:
        if task.work == "score":
            results = score_together(task.unscored, device, reporter)
        else:
            (job,) = task.jobs
            here = replace(job, options=replace(job.options, device=device))
            results = iter([(job.index, run_cell(here, reporter, task.patient, task.work == "all"))])
        for index, result in results:
            # without the plan, which lists all pairs and which the caller has
            reporter.send("result", index, replace(result, planned=None))  # type: ignore[arg-type]
    except OutputError as error:
        reporter.send("unwritable", str(error))


def _end_with(life: int) -> None:
    """Kill this process's group as soon as the other end of the pipe ``life`` is closed."""
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)
