"""The process that runs cells.

It loads torch once and forks a process for each cell, so that a method that crashes, hangs or eats all memory costs
its cell and nothing else. It uses no tensor and starts no thread, which is what makes forking safe.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

import psutil

from fusionbench.errors import OutputError
from fusionbench.runner.arguments import wrong_arguments
from fusionbench.runner.job import Job, Work
from fusionbench.runner.logs import settle
from fusionbench.runner.outcome import CellResult, Failure
from fusionbench.runner.worker import prepare_process, work
from fusionbench.weights import Weights

TICK = 0.2  # seconds between two looks at time-outs and memory
GIB = 2**30
LOGS = ".logs"  # of cells that run, below the store


@dataclass
class Running:
    """A cell's process; ``left`` are the seconds it may still take, counted down while ``paused`` is off."""

    job: Job
    device: str
    pid: int
    connection: Connection
    log: Path
    left: float | None
    paused: bool = False
    weights: Weights | None = None
    killed: Failure | None = None
    result: CellResult | None = None


class Pool:
    """Run the jobs of a call in as many processes as it has slots, and tell the caller what happens."""

    def __init__(self, caller: Connection, asked: Work) -> None:
        self.caller, self.asked = caller, asked
        self.waiting: deque[Job] = deque(asked.jobs)
        self.free = list(asked.slots)
        self.running: dict[Connection, Running] = {}
        self.met_busy: set[int] = set()
        self.life = os.pipe()
        cores = os.cpu_count() or 1
        self.threads = max(1, cores // len(asked.slots)) if len(asked.slots) > 1 else None
        self.seen = time.monotonic()

    def run(self) -> None:
        """Work until every job has a result or the caller is gone."""
        if not self._arguments_fit():
            return
        try:
            while self.waiting or self.running:
                while self.waiting and self.free:
                    self._start(self.waiting.popleft(), self.free.pop(0))
                self._listen()
                self._watch()
            self.caller.send(("end",))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass  # the caller is gone, and nobody waits for the rest
        except OutputError as error:
            self.caller.send(("unwritable", str(error)))
        finally:
            for cell in self.running.values():
                end_group(cell.pid)
            for out in {job.options.out for job in self.asked.jobs}:
                with contextlib.suppress(OSError):  # absent, or another call's logs are in it
                    (out / LOGS).rmdir()

    def _arguments_fit(self) -> bool:
        """Check all arguments before any work; an import that ends its process is left to its own cell."""
        problems = self._aside(lambda: wrong_arguments(job.planned for job in self.asked.jobs), [])
        if problems:
            self.caller.send(("problems", problems))
        return not problems

    def _aside(self, task: Callable[[], Any], otherwise: Any) -> Any:
        """Return what the task returns in a process of its own: it may import a method, or ask CUDA."""
        pid, connection = self._fork(None, lambda theirs: theirs.send(task()))
        try:
            return connection.recv() if connection.poll(self.asked.limits.seconds) else otherwise
        except EOFError:
            return otherwise
        finally:
            connection.close()
            end_group(pid)
            os.waitpid(pid, 0)

    def _fork(self, log: Path | None, task: Callable[[Connection], None]) -> tuple[int, Connection]:
        ours, theirs = Pipe(duplex=False)
        pid = os.fork()
        if pid:
            theirs.close()
            return pid, ours
        code = 1
        try:
            for unused in (self.caller, ours, *self.running):
                unused.close()
            os.close(self.life[1])
            prepare_process(log, self.life[0], self.threads)
            task(theirs)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _start(self, job: Job, device: str) -> None:
        logs = job.options.out / LOGS
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{os.getpid()}-{job.index}.txt"
        # a cell that was busy comes up again when nothing else is left to start
        patient = job.index in self.met_busy
        pid, connection = self._fork(log, lambda theirs: work(job, device, theirs, wait=patient))
        self.running[connection] = Running(job, device, pid, connection, log, self.asked.limits.seconds)

    def _listen(self) -> None:
        for ready in wait([self.caller, *self.running], TICK):
            if ready is self.caller:
                raise EOFError  # the caller never writes again: it has closed its end
            self._hear(self.running[ready])

    def _hear(self, cell: Running) -> None:
        try:
            message = cell.connection.recv()
        except (EOFError, ConnectionResetError):
            self._end(cell)
            return
        match message:
            case ("found", weights):
                cell.weights = weights
            case ("result", result):
                cell.result = result
            case ("unwritable", reason):
                cell.result = CellResult(None, None, "failed", reason)
                self.caller.send(("unwritable", reason))
            case ("pause" | "go_on" as what,):
                cell.paused = what == "pause"
            case _:
                self.caller.send((cell.job.index, *message))

    def _watch(self) -> None:
        """Kill cells that take too long or too much."""
        now = time.monotonic()
        passed, self.seen = now - self.seen, now
        for cell in self.running.values():
            if cell.left is not None and not cell.paused:
                cell.left -= passed
            failure = self._beyond(cell)
            if failure is not None and cell.killed is None:
                cell.killed = failure
                end_group(cell.pid)

    def _beyond(self, cell: Running) -> Failure | None:
        limits = self.asked.limits
        if cell.left is not None and cell.left < 0:
            return Failure("timeout", f"not done after {limits.seconds:g} s: give a longer --timeout")
        if limits.memory is not None and memory_of(cell.pid) > limits.memory * GIB:
            return Failure("oom", f"took more than {limits.memory:g} GiB: give a higher --memory-limit")
        return None

    def _end(self, cell: Running) -> None:
        """Collect an ended process, record how it died if it gave no result, and free its slot."""
        del self.running[cell.connection]
        cell.connection.close()
        status = os.waitpid(cell.pid, 0)[1]
        end_group(cell.pid)  # what it started and left behind
        self.free.append(cell.device)
        if cell.result is not None and cell.result.status == "busy":
            self.met_busy.add(cell.job.index)
            self.waiting.append(cell.job)
            cell.log.unlink(missing_ok=True)
            return
        self.caller.send((cell.job.index, "result", self._settled(cell, status)))

    def _settled(self, cell: Running, status: int) -> CellResult:
        if cell.result is not None:
            return settle(cell.job, cell.result, None, cell.weights, cell.log)
        died = cell.killed or how_it_died(status)
        unrecorded = CellResult(None, None, died.status, died.detail)
        # a new record names the device, and asking for that here would spoil CUDA for all later cells
        return self._aside(
            lambda: replace(settle(cell.job, None, died, cell.weights, cell.log), planned=None), unrecorded
        )


def end_group(pid: int) -> None:
    """Kill a cell's process and what it started; no error where nothing is left."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def how_it_died(status: int) -> Failure:
    """Word the end of a process that gave no result, from what waitpid says."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGKILL:
            return Failure("oom", "killed by the system (SIGKILL), as happens when memory runs out")
        return Failure("failed", f"its process was ended by {signal.Signals(number).name}")
    return Failure("failed", f"its process ended itself with exit code {os.waitstatus_to_exitcode(status)}")


def memory_of(pid: int) -> int:
    """Return the bytes that a process and its children hold in memory; 0 for one that has ended."""
    try:
        process = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0
