"""How the processes of a call end: with their parent, killed with their children, or by themselves; and their memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

import psutil

from fusionbench.cells.planned import Failure

PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


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
