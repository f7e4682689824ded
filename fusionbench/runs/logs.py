"""The output of a cell's process: kept as log.txt in its folder, the end of it in the record of a failed cell."""

from __future__ import annotations

import os
from pathlib import Path

from fusionbench.cells.planned import CellResult, Failure, Job
from fusionbench.cells.record import record_failure
from fusionbench.cells.store import Cell
from fusionbench.weights.methods import Weights

LINES = 30  # of output kept in the record: enough for a traceback and what led to it


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
