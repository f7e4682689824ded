"""Isolation of units in processes: one that crashes, hangs or takes all memory fails without affecting the others."""

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
from fusionbench.runs.processes import die_with_parent, end_group, how_it_died, memory_of

TICK = 0.2  # seconds between checks of the limits
GIB = 2**30
LOG = "log.txt"


@dataclass(frozen=True)
class UnitLimits:
    """Limits of a unit, training included: ``seconds``, ``memory`` in GiB, CPU ``threads``; None is no limit."""

    seconds: float | None = None
    memory: float | None = None
    threads: int | None = None


def run_isolated(unit: Unit, limits: UnitLimits, reporter: Reporter, stop: threading.Event) -> Failure | None:
    """Compute a unit in its own process, and return why it failed, or None.

    A unit that is killed leaves a record with the status timeout, oom or failed. Raises OutputError if results cannot be
    stored, and KeyboardInterrupt when ``stop`` is set.
    """
    from fusionbench.downstream.work import record_unit_failure

    unit.place.mkdir(parents=True, exist_ok=True)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    # spawn, not fork: this process has threads and maybe CUDA, which do not survive a fork
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(unit, theirs, limits.threads))
    process.start()
    # with this copy of its end closed, `_listen` gets an EOFError when the process dies
    theirs.close()
    with _ended(process), ours:
        died = _listen(ours, process.pid or 0, limits, reporter, stop)
        if isinstance(died, Failure):
            return record_unit_failure(unit, died)
        if died:
            return None
        process.join()
        code = process.exitcode or 0
        return record_unit_failure(unit, how_it_died(-code if code < 0 else code << 8))


def _listen(
    connection: Connection, pid: int, limits: UnitLimits, reporter: Reporter, stop: threading.Event
) -> Failure | bool:
    """Forward the process's messages; return True or a failure when it is done, False if it died.

    A process that exceeds a limit is a failure too; `run_isolated` ends it.
    """
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
    """End the process and all its children when the ``with`` block ends, whatever happens."""
    try:
        yield
    finally:
        process.join(timeout=0.5)
        if process.pid is not None:
            end_group(process.pid)
        process.join()


def _work(unit: Unit, connection: Connection, threads: int | None) -> None:
    """Run in the process of one unit, in a session of its own; its output goes to the unit's folder."""
    # a session of its own, so that `end_group` also reaches the loader processes of a training
    os.setsid()
    handle = os.open(Path(unit.place) / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    import torch

    from fusionbench.downstream.work import do_unit
    from fusionbench.runs.worker import PipeReporter

    die_with_parent()
    if threads is not None:
        torch.set_num_threads(threads)
    reporter = PipeReporter(connection)
    try:
        reporter.send("done", do_unit(unit, reporter))
    except OutputError as error:
        reporter.send("unwritable", str(error))
    sys.stdout.flush()
