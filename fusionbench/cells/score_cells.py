"""Score the fused cells of the same pairs together and complete their records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from fusionbench.cells.columns import keep_columns
from fusionbench.cells.done import missing_metrics, unavailable_scores, unfused
from fusionbench.cells.intact import image_hashes
from fusionbench.cells.lock import locked
from fusionbench.cells.planned import CellResult, Failure, Job, Unscored
from fusionbench.cells.progress import Reporter
from fusionbench.cells.record import add_phase, now, record_failure
from fusionbench.cells.score import Missing, score_missing
from fusionbench.cells.score_lines import WHOLE_SET
from fusionbench.cells.store import Cell
from fusionbench.errors import PluginError
from fusionbench.provenance import energy


@dataclass
class FusedCell:
    """A locked cell that has all images except the failures in ``result``."""

    cell: Cell
    job: Job
    record: dict[str, Any]
    result: CellResult


def score_together(
    unscored: Sequence[Unscored], device: str, reporter: Reporter
) -> Iterator[tuple[int, CellResult]]:
    """Score cells that other processes have fused; yield the index and result of each.

    A cell locked by another process gets the status "busy". If a metric raises PluginError, this is raised for several
    cells, so that the caller can score them one by one; a single cell gets it as its failure.
    """
    ready: list[tuple[Unscored, FusedCell]] = []
    # all locks are held until the last record is written, because the cells are scored pair by pair together
    with ExitStack() as locks:
        for cell in unscored:
            assert cell.result.path is not None  # what was fused has a folder
            ours = locks.enter_context(locked(Cell(cell.result.path), reporter, wait=False))
            fused = _taken_up(cell) if ours else None
            if fused is None:
                yield cell.job.index, CellResult(cell.job.planned, cell.result.path, "busy")
            else:
                ready.append((cell, fused))
        try:
            score_cells([fused for _, fused in ready], device, reporter)
        except PluginError as error:
            if len(unscored) > 1:
                raise
            job, failure = unscored[0].job, Failure("failed", str(error))
            yield job.index, record_failure(job, failure, unscored[0].weights)
        else:
            yield from ((cell.job.index, fused.result) for cell, fused in ready)


def _taken_up(unscored: Unscored) -> FusedCell | None:
    """Return the cell in its present state, None if another process has started it afresh since it was fused.

    Between fusing and scoring nobody held the lock, so record, images and failures are read again.
    """
    assert unscored.result.path is not None  # what was fused has a folder
    job, cell = unscored.job, Cell(unscored.result.path)
    cell.drop_torn_line()
    record, stored = cell.read_record(), cell.stored()
    failures = {pair: failure for pair, failure in unscored.result.failures.items() if pair not in stored}
    if record is None or any(pair.id not in failures for pair in unfused(cell, job.planned.split.pairs)):
        return None
    result = replace(unscored.result, planned=job.planned, failures=failures)
    return FusedCell(cell, job, record, result)


def score_cells(cells: Sequence[FusedCell], device: str, reporter: Reporter) -> None:
    """Compute the missing scores of cells on the same pairs, and complete their results and records in place."""
    if not cells:  # others work on all of them
        return
    pairs, missing = cells[0].job.planned.split.pairs, []
    for fused in cells:
        job, profile = fused.job, fused.job.options.profile
        metrics = missing_metrics(fused.cell, pairs, job.metrics, profile)
        missing.append(Missing(fused.cell, metrics, profile, dict(fused.result.failures)))
    # the images to go through: a set-level metric reads all of them once more
    steps = sum(
        len(lacks.metrics.keys() - {WHOLE_SET}) + len(lacks.metrics.get(WHOLE_SET, ())) * len(pairs)
        for lacks in missing
    )
    if steps:
        reporter.start(_label(cells), steps)
        before = energy(device)
        try:
            score_missing(missing, pairs, lambda *_: reporter.advance(), device)
        finally:
            reporter.stop()
        _share_out(cells, missing, before, energy(device))
    for fused, lacks in zip(cells, missing, strict=True):
        fused.result.scored, fused.result.failures = len(lacks.metrics), lacks.failures
        _finish(fused)


def _label(cells: Sequence[FusedCell]) -> str:
    planned = cells[0].result.planned
    together = f"{planned.split.spec.name} · {len(cells)} methods"
    return f"{planned.label if len(cells) == 1 else together} · score"


def _share_out(
    cells: Sequence[FusedCell], missing: Sequence[Missing], before: float | None, after: float | None
) -> None:
    """Add to each record its seconds of scoring, as `score_missing` divided them, and its part of the energy."""
    whole = sum(lacks.seconds for lacks in missing) or 1.0
    for fused, lacks in zip(cells, missing, strict=True):
        if lacks.metrics:
            joules = None
            if before is not None and after is not None:
                joules = (after - before) * lacks.seconds / whole
            add_phase(fused.record, "score", lacks.seconds, 0.0, joules)


def _finish(fused: FusedCell) -> None:
    record, result = fused.record, fused.result
    failures, planned = result.failures, result.planned
    result.status, result.detail = "ok", ""
    result.unavailable = unavailable_scores(fused.cell, fused.job, fused.job.metrics)
    record["images"] = {
        pair_id: {"status": f.status, "detail": f.detail} for pair_id, f in sorted(failures.items())
    }
    if failures:
        first = next(iter(failures.values()))
        same_status = {f.status for f in failures.values()} == {first.status}
        result.status = first.status if same_status else "failed"
        result.detail = f"{len(failures)} of {len(planned.split.pairs)} images: {first.detail}"
    record["hashes"] = image_hashes(fused.cell, sorted(fused.cell.stored()))
    record["status"], record["detail"] = result.status, result.detail
    record["provenance"]["finished"] = now()
    # last of all: a record that says "ok" promises that the images' hashes and all scores are on disk
    fused.cell.write_record(record)
    keep_columns(fused.cell)
