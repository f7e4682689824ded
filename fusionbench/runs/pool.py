"""The process that forks a process for each cell.

It loads torch once and forks for each cell, so that a method that crashes, hangs or takes all memory loses its own
cell only. Cells on the same pairs are then scored together by one more process; if that dies, each by its own.

The pool computes with no tensor, starts no thread and never asks CUDA anything: a forked process inherits locks in the
state in which other threads held them, has none of the threads of OpenMP, and cannot use a CUDA context of its parent.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, cast

from fusionbench.cells.planned import CellResult, Failure, Job, Unscored
from fusionbench.errors import OutputError
from fusionbench.runs.plan import wrong_arguments
from fusionbench.runs.processes import append_log, end_group, how_it_died, memory_of, settle
from fusionbench.runs.queue import Queue, Task, Work
from fusionbench.runs.worker import prepare_process, work
from fusionbench.weights.methods import Weights

TICK = 0.2  # seconds between two checks of time-outs and memory
GIB = 2**30
SCORER = "cpu"  # the device of processes that score beside GPUs
LOGS = ".logs"  # folder below the store with the logs of running cells, whose own folders are not known yet


@dataclass
class Running:
    """The process of a task; ``left`` is what remains of its time-out in seconds, which does not decrease while ``paused``.

    ``results`` are those of the task's cells, by index. ``killed`` is why the pool killed the process.
    """

    task: Task
    device: str
    pid: int
    connection: Connection
    log: Path
    left: float | None
    paused: bool = False
    weights: Weights | None = None
    killed: Failure | None = None
    results: dict[int, CellResult] = field(default_factory=dict)


class Pool:
    """The scheduler of a call: runs its jobs in one process per slot and reports to the caller."""

    def __init__(self, caller: Connection, asked: Work) -> None:
        self.caller, self.asked = caller, asked
        self.queue = Queue(asked.jobs, len(asked.slots), asked.scorers)
        self.free = list(asked.slots)
        self.free_scorers = asked.scorers
        self.running: dict[Connection, Running] = {}
        self.life = os.pipe()  # nothing is written to it: workers read until the pool's death closes its end
        cores = os.cpu_count() or 1
        # torch would start as many threads as there are cores in each process
        self.threads = max(1, cores // len(asked.slots)) if len(asked.slots) > 1 else None
        self.seen = time.monotonic()

    def run(self) -> None:
        """Run until every job has a result or the caller is gone."""
        # before any work; if an import kills the process that checks, only the cell of that method fails later
        if problems := self._aside(lambda: wrong_arguments(job.planned for job in self.asked.jobs), []):
            self.caller.send(("problems", problems))
            return
        try:
            while True:
                while self.free and (task := self.queue.next()) is not None:
                    self._start(task, self.free.pop(0))
                while self.free_scorers and (task := self.queue.next_scoring()) is not None:
                    self.free_scorers -= 1
                    self._start(task, SCORER)
                if not self.running:
                    break
                for ready in wait([self.caller, *self.running], TICK):
                    if ready is self.caller:
                        raise EOFError  # it writes nothing after its request, so this means that it closed the pipe
                    self._hear(self.running[cast(Connection, ready)])
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

    def _aside(self, task: Callable[[], Any], otherwise: Any) -> Any:
        """Return the result of a function called in a forked process, or ``otherwise`` if that dies or takes too long.

        Used for what the pool must not do itself: import methods or ask CUDA.
        """
        pid, connection = self._fork(None, lambda theirs: theirs.send(task()))
        try:
            return connection.recv() if connection.poll(self.asked.timeout) else otherwise
        except EOFError:
            return otherwise
        finally:
            connection.close()
            end_group(pid)
            os.waitpid(pid, 0)

    def _fork(self, log: Path | None, task: Callable[..., None], *arguments: Any) -> tuple[int, Connection]:
        """Start ``task(connection, *arguments)`` in a process; return its id and the other end of the connection."""
        ours, theirs = Pipe(duplex=False)
        pid = os.fork()
        if pid:
            theirs.close()
            return pid, ours
        code = 1
        try:
            # inherited ends of other pipes are closed, or their readers would never see the end of file
            for unused in (self.caller, ours, *self.running):
                unused.close()
            os.close(self.life[1])
            prepare_process(log, self.life[0], self.threads)
            task(theirs, *arguments)
            code = 0
        except BaseException:  # SystemExit of a method too: nothing may return into the pool's loop
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # not sys.exit: exit handlers and open streams belong to the pool

    def _start(self, task: Task, device: str) -> None:
        first = task.jobs[0]
        logs = first.options.out / LOGS
        logs.mkdir(parents=True, exist_ok=True)
        # scoring one cell appends to the log of fusing it; scoring several writes a log of its own, later appended to each
        together = "-together" if len(task.jobs) > 1 else ""
        log = logs / f"{os.getpid()}-{first.index}{together}.txt"
        pid, connection = self._fork(log, work, task, device)
        # cells scored together may take as long as the one with most time left; then each is scored on its own
        left = [unscored.left for unscored in task.unscored] if task.work == "score" else [self.asked.timeout]
        limited = [seconds for seconds in left if seconds is not None]
        most = max(limited) if len(limited) == len(left) else None
        self.running[connection] = Running(task, device, pid, connection, log, most)

    def _hear(self, cell: Running) -> None:
        try:
            message = cell.connection.recv()
        except (EOFError, ConnectionResetError):
            self._end(cell)
            return
        match message:
            case ("weights", weights):
                cell.weights = weights
            case ("result", index, result):
                cell.results[index] = result
            case ("unwritable", reason):
                unstored = CellResult(None, None, "failed", reason)  # type: ignore[arg-type]
                cell.results |= {job.index: unstored for job in cell.task.jobs}
                self.caller.send(("unwritable", reason))
            case ("pause" | "go_on" as what,):
                cell.paused = what == "pause"
            case _:
                self.caller.send((cell.task.jobs[0].index, *message))

    def _watch(self) -> None:
        """Kill processes that exceed their time-out or memory limit."""
        now = time.monotonic()
        # counted down in steps rather than compared with a deadline, because training suspends the time-out
        passed, self.seen = now - self.seen, now
        for cell in self.running.values():
            if cell.left is not None and not cell.paused:
                cell.left -= passed
            failure = self._beyond(cell)
            if failure is not None and cell.killed is None:
                cell.killed = failure
                end_group(cell.pid)

    def _beyond(self, cell: Running) -> Failure | None:
        if cell.left is not None and cell.left < 0:
            return Failure("timeout", f"not done after {self.asked.timeout:g} s: give a longer --timeout")
        most = self.asked.memory_limit
        if most is not None and memory_of(cell.pid) > most * GIB:
            return Failure("oom", f"took more than {most:g} GiB: give a higher --memory-limit")
        return None

    def _end(self, cell: Running) -> None:
        """Reap an ended process, free its slot, and report or requeue its cells."""
        del self.running[cell.connection]
        cell.connection.close()
        status = os.waitpid(cell.pid, 0)[1]
        end_group(cell.pid)  # processes that it started and left running
        # after its group is gone, or two processes would share a GPU's memory
        if cell.task.work == "score" and self.asked.scorers:
            self.free_scorers += 1
        else:
            self.free.append(cell.device)
        died = cell.killed or how_it_died(status)
        if len(cell.task.jobs) > 1:
            self._scored_together(cell, died)
        elif cell.task.work == "score":
            self._scored(cell.task.unscored[0], cell.results, died)
        else:
            self._worked(cell, died)

    def _worked(self, cell: Running, died: Failure) -> None:
        (job,) = cell.task.jobs
        result = cell.results.get(job.index)
        if result is not None and result.status == "busy":
            self.queue.busy(job)
            cell.log.unlink(missing_ok=True)
        elif result is not None and result.status == "fused":
            self.queue.fused_one(Unscored(job, result, cell.weights, cell.left, cell.log))
        else:
            self.queue.ended(job)
            self._tell(job, result, died, cell.weights, cell.log)

    def _scored_together(self, cell: Running, died: Failure) -> None:
        """Report the results of cells scored together; cells without one, because the process died, are scored singly."""
        lost = [unscored for unscored in cell.task.unscored if unscored.job.index not in cell.results]
        if lost:
            what = f"Scoring {len(cell.task.jobs)} cells of {lost[0].job.planned.split.spec.name} together"
            again = f"{what} was not finished ({died.detail}); each is now scored on its own."
            first = cell.task.jobs[0].index
            self.caller.send((first, "stop"))
            self.caller.send((first, "say", again))
            self.queue.alone(lost)
        for unscored in cell.task.unscored:
            if unscored.job.index in cell.results:
                append_log(cell.log, unscored.log)
                self._scored(unscored, cell.results, died)
        cell.log.unlink(missing_ok=True)

    def _scored(self, unscored: Unscored, results: dict[int, CellResult], died: Failure) -> None:
        result = results.get(unscored.job.index)
        if result is not None and result.status == "busy":
            self.queue.busy_fused(unscored)
        else:
            self._tell(unscored.job, result, died, unscored.weights, unscored.log)

    def _tell(
        self, job: Job, result: CellResult | None, died: Failure, weights: Weights | None, log: Path
    ) -> None:
        """Send the caller the result of a cell; if there is none, first record how its process died."""
        if result is not None:
            settled = settle(job, result, None, weights, log)
        else:
            unrecorded = CellResult(None, None, died.status, died.detail)  # type: ignore[arg-type]
            # a new record names the device, and asking CUDA for that here would break CUDA in all processes forked later
            settled = self._aside(
                lambda: replace(settle(job, None, died, weights, log), planned=None),  # type: ignore[arg-type]
                unrecorded,
            )
        earlier = self.queue.earlier[job.index]
        self.caller.send((job.index, "result", replace(settled, fused=settled.fused + earlier)))
