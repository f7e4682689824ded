"""Running jobs on this machine: start the pool, pass on its messages, end it with the call."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from fusionbench.cells.planned import Job, RunOptions
from fusionbench.errors import OutputError, PlanError
from fusionbench.runs.queue import Message, Work

ATTEMPTS = 3  # how many pools are started, after each was killed, before a call gives up


def run_local(jobs: list[Job], slots: list[str], options: RunOptions, scorers: int = 0) -> Iterator[Message]:
    """Run the jobs, scored by as many processes as ``scorers`` beside the slots, and yield messages (index, name, arguments...): say, start, advance, stop, and one result per job.

    Raises PlanError before any work for arguments that a method's class does not take, and OutputError if results
    cannot be stored or the pool was killed `ATTEMPTS` times.
    """
    left = {job.index: job for job in jobs}
    # a new pool gets only the cells without a result; images and scores that were stored before its death are kept
    for _ in range(ATTEMPTS):
        # the connection of a pool that dies is at its end, as that of one that has finished
        with _pool() as pool, suppress(EOFError, ConnectionResetError):
            pool.send(
                Work(tuple(left.values()), tuple(slots), options.timeout, options.memory_limit, scorers)
            )
            for message in iter(pool.recv, ("end",)):
                match message:
                    case ("problems", problems):
                        raise PlanError(problems)
                    case ("unwritable", reason):
                        raise OutputError(reason)
                    case (index, "result", _):
                        del left[index]
                yield message
        if not left:
            return
    raise OutputError(
        f"The process that runs the cells was killed {ATTEMPTS} times, {len(left)} cells are left: run again, "
        "with fewer --jobs if memory is short."
    )


@contextmanager
def _pool() -> Iterator[Connection]:
    """Start the pool's process and yield the connection to it; closing the connection ends the pool.

    The pool has a session of its own, so that Ctrl-C reaches this process only, which then ends the pool in order.
    """
    ours, theirs = socket.socketpair()
    with theirs, ours:
        process = subprocess.Popen(
            # -P and PYTHONPATH: the pool imports from where this process does, also a plug-in in a folder added to sys.path
            [sys.executable, "-P", "-m", "fusionbench.runs.start_pool", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            # standard output carries the results of this process, for example one JSON document
            stdout=subprocess.DEVNULL,
            # without other packages' devices, as in `fusionbench.cli.outcome`, also for callers from Python
            env={
                "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            },
            start_new_session=True,
        )
        # detached, or the end of this block would close it
        connection = Connection(ours.detach())
    try:
        yield connection
    finally:
        connection.close()
        try:
            # the pool ends its workers when the connection closes; if it hangs, killing it ends them as well
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
