"""Units in processes of their own: one that crashes, hangs or takes all memory costs its row and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from fusionbench.cells.planned import Failure
from fusionbench.cells.progress import Reporter
from fusionbench.downstream.units import Unit
from fusionbench.errors import OutputError

TICK = 0.2  # seconds between two looks at limits
GIB = 2**30
LOG = "log.txt"


@dataclass(frozen=True)
class UnitLimits:
    """``seconds`` and ``memory`` (GiB) that a unit may take, training included; None: no limit. ``threads`` of the CPU."""

    seconds: float | None = None
    memory: float | None = None
    threads: int | None = None


def run_isolated(unit: Unit, limits: UnitLimits, reporter: Reporter, stop: threading.Event) -> Failure | None:
    """Do a unit in a process of its own; return why it failed, None where it is ok.

    A unit that is killed leaves a record with the status timeout, oom or failed. Raises OutputError where nothing can be
    stored, and KeyboardInterrupt once ``stop`` is set.
    """
    from fusionbench.downstream.work import record_failure
    from fusionbench.runs.pool import how_it_died

    unit.place.mkdir(parents=True, exist_ok=True)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(unit, theirs, limits.threads))
    process.start()
    theirs.close()
    with _ended(process), ours:
        died = _listen(ours, process.pid or 0, limits, reporter, stop)
        if isinstance(died, Failure):
            return record_failure(unit, died)
        if died:
            return None
        process.join()
        code = process.exitcode or 0
        return record_failure(unit, how_it_died(-code if code < 0 else code << 8))


def _listen(
    connection: Connection, pid: int, limits: UnitLimits, reporter: Reporter, stop: threading.Event
) -> Failure | bool:
    """Pass on the process's messages; return True where it is done, False where it died, a failure beyond a limit."""
    from fusionbench.runs.pool import memory_of

    started = time.monotonic()
    while not stop.is_set():
        if limits.seconds is not None and time.monotonic() - started > limits.seconds:
            return Failure("timeout", f"not done after {limits.seconds:g} s: give a longer --timeout")
        if limits.memory is not None and memory_of(pid) > limits.memory * GIB:
            return Failure("oom", f"took more than {limits.memory:g} GiB: give a higher --memory-limit")
        if not connection.poll(TICK):
            continue
        try:
            what, *content = connection.recv()
        except (EOFError, ConnectionResetError):
            return False
        if what == "done":
            return content[0] or True
        if what == "unwritable":
            raise OutputError(content[0])
        getattr(reporter, what)(*content)
    raise KeyboardInterrupt


@contextmanager
def _ended(process: multiprocessing.process.BaseProcess) -> Iterator[None]:
    """Leave nothing of the process behind, whatever happens."""
    from fusionbench.runs.pool import end_group

    try:
        yield
    finally:
        process.join(timeout=0.5)
        if process.pid is not None:
            end_group(process.pid)
        process.join()


def _work(unit: Unit, connection: Connection, threads: int | None) -> None:
    """The process of one unit: its own session, its output in the unit's folder."""
    os.setsid()
    handle = os.open(Path(unit.place) / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    import torch

    from fusionbench.downstream.work import do_unit
    from fusionbench.runs.worker import PipeReporter, die_with_parent

    die_with_parent()
    if threads is not None:
        torch.set_num_threads(threads)
    reporter = PipeReporter(connection)
    try:
        reporter.send("done", do_unit(unit, reporter))
    except OutputError as error:
        reporter.send("unwritable", str(error))
    sys.stdout.flush()
