"""A lock that lets one process at a time work on a cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from fusionbench.cells.progress import Reporter
from fusionbench.cells.store import Cell
from fusionbench.errors import OutputError
from fusionbench.files import cannot_write


@contextmanager
def locked(cell: Cell, reporter: Reporter, wait: bool) -> Iterator[bool]:
    """Lock the cell against other processes that share the runs folder.

    Yields True once the lock is held. If another process holds it, waits for it, or with ``wait=False`` yields False.
    Raises OutputError if the folder cannot be written.
    """
    try:
        cell.path.mkdir(parents=True, exist_ok=True)
        # a lock of the kernel (flock), not the existence of a file: it ends with its process, also after a kill
        lock = FileLock(cell.path / ".lock")
        try:
            # try first without waiting, so that the user is told before a wait that may take hours
            lock.acquire(timeout=0)
        except Timeout:
            if not wait:
                yield False
                return
            reporter.say(f"Waiting: another process works on {cell.path}.")
            lock.acquire()
    except OSError as error:
        raise OutputError(cannot_write(cell.path, error)) from error
    try:
        yield True
    finally:
        lock.release()
