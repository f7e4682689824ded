"""Processes that do not outlive the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies, even while it holds Python's lock; no other system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with(life: int) -> None:
    """Kill this process and its children once the other end of the pipe ``life`` is closed."""
    threading.Thread(target=_wait_and_kill, args=(life,), daemon=True).start()


def _wait_and_kill(life: int) -> None:
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)
