"""One process at a time works on a cell."""

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
    """Hold the cell against a second process that shares the runs folder; the system frees it after a kill.

    Gives False, with ``wait`` off, for a cell that another process holds.
    """
    try:
        cell.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cell.path / ".lock")
        try:
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
