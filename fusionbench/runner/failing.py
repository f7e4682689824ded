"""Leave a record of a cell that could not start or was killed, so that tables can say why its row is empty."""

from __future__ import annotations

from typing import Any

from fusionbench.runner.command import drop_sources
from fusionbench.runner.outcome import CellResult, Failure
from fusionbench.runner.plan import PlannedCell
from fusionbench.runner.record import CellOptions, cell_of, make_identity, new_record, now
from fusionbench.weights import Weights


def record_failure(
    planned: PlannedCell,
    manifest: str,
    options: CellOptions,
    failure: Failure,
    weights: Weights | None = None,
) -> CellResult:
    """Write run.json with the failure's status. ``weights`` are None where it is not known which they would be."""
    weights = weights or Weights("none")
    identity = make_identity(planned, manifest, options, weights)
    cell = cell_of(planned, identity, options.out)
    drop_sources(cell.path)
    record: dict[str, Any] = cell.read_record() or new_record(planned, identity, cell, options, weights)
    record["provenance"]["finished"] = now()
    cell.write_record({**record, "status": failure.status, "detail": failure.detail})
    return CellResult(planned, cell.path, failure.status, failure.detail)
