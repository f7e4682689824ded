"""The processes of a call as the pool sees them: how they end, the memory that they take, and their output.

The output of a cell's process is kept as log.txt in its folder, the end of it in the record of a failed cell.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

import psutil

from fusionbench.cells.planned import CellResult, Failure, Job
from fusionbench.cells.record import record_failure
from fusionbench.cells.store import Cell
from fusionbench.weights.methods import Weights

PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
LINES = 30  # of output kept in the record: enough for a traceback and what led to it


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies.

    Unlike a thread that waits for that, this works while C code holds the interpreter lock; other systems have no such
    call.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_group(pid: int) -> None:
    """Kill a cell's process and all processes in its group, if any are left."""
    # the process alone too: killed before its setsid, it has no group of its own yet
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def how_it_died(status: int) -> Failure:
    """Return the failure of a process that ended without a result; ``status`` is as from ``os.waitpid``."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGKILL:
            return Failure("oom", "killed by the system (SIGKILL), as happens when memory runs out")
        return Failure("failed", f"its process was ended by {signal.Signals(number).name}")
    return Failure("failed", f"its process ended itself with exit code {os.waitstatus_to_exitcode(status)}")


def memory_of(pid: int) -> int:
    """Return the resident memory in bytes of a process and its descendants, 0 if it has ended."""
    try:
        process = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def settle(
    job: Job, result: CellResult | None, died: Failure | None, weights: Weights | None, log: Path
) -> CellResult:
    """Move a cell's log to its folder and return its result; if its process died without a result, write a record first."""
    if result is None:
        assert died is not None  # a process that left no result has died
        result = record_failure(job, died, weights)
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    if result.path is None or not text.strip():
        log.unlink(missing_ok=True)
        return result
    os.replace(log, result.path / "log.txt")
    if result.status != "ok":
        cell = Cell(result.path)
        record = cell.read_record()
        if record is not None:
            cell.write_record({**record, "log": text.splitlines()[-LINES:]})
    return result


def append_log(log: Path, to: Path) -> None:
    """Append the output of a process that worked on several cells to the log of one of them."""
    text = log.read_bytes() if log.exists() else b""
    if text.strip():
        with to.open("ab") as stream:
            stream.write(text)
