"""Run one cell: build, choose weights, fuse, score, record. Whatever goes wrong in a method stays in its cell."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from filelock import FileLock, Timeout

from fusionbench.errors import FusionbenchError, OutputError, PluginError, WeightsError
from fusionbench.files import cannot_write
from fusionbench.method import FusionMethod
from fusionbench.provenance import energy
from fusionbench.runner.command import run_command
from fusionbench.runner.done import missing_metrics, unavailable_scores, unfused
from fusionbench.runner.external import take_missing
from fusionbench.runner.failing import record_failure
from fusionbench.runner.fuse import failure_from, fuse_missing
from fusionbench.runner.outcome import CellResult, Done, Failure
from fusionbench.runner.plan import PlannedCell
from fusionbench.runner.probe import probe, same
from fusionbench.runner.progress import Reporter
from fusionbench.runner.record import CellOptions, add_phase, cell_of, make_identity, new_record, now
from fusionbench.runner.score import score_missing
from fusionbench.runner.store import WHOLE_SET, Cell
from fusionbench.runner.weights import prepare
from fusionbench.weights import Weights


def run_cell(
    planned: PlannedCell, manifest: str, options: CellOptions, reporter: Reporter, wait: bool = True
) -> CellResult:
    """Bring one cell up to date.

    A cell that another process works on is waited for, or with ``wait`` off left with the status busy. Raises
    OutputError only: nothing can go on where nothing can be stored.
    """
    torch.manual_seed(options.seed)
    try:
        method = planned.method.build(planned.config.args) if planned.method.has_class else None
        weights = Weights("none") if method is None else prepare(planned, method, options.policy, reporter)
    except OutputError:
        raise
    except FusionbenchError as error:
        traceback.print_exception(error)
        status = "unavailable" if isinstance(error, WeightsError) else "failed"
        return record_failure(planned, manifest, options, Failure(status, str(error)))
    except Exception as error:  # training, or a constructor, of a plug-in can raise anything
        return record_failure(planned, manifest, options, failure_from(error))
    identity = make_identity(planned, manifest, options, weights)
    cell = cell_of(planned, identity, options.out)
    with _locked(cell, reporter, wait) as ours:
        if not ours:
            return CellResult(planned, cell.path, "busy")
        if options.fresh:
            cell.forget()
        reporter.found(weights)
        try:
            return _Work(planned, method, weights, identity, cell, options, reporter).run()
        except PluginError as error:
            return record_failure(planned, manifest, options, Failure("failed", str(error)), weights)


@contextmanager
def _locked(cell: Cell, reporter: Reporter, wait: bool) -> Iterator[bool]:
    """Hold the cell against a second process that shares the runs folder; the system frees it after a kill."""
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


@dataclass
class _Work:
    """The fusing and scoring of one locked cell."""

    planned: PlannedCell
    method: FusionMethod | None
    weights: Weights
    identity: dict[str, Any]
    cell: Cell
    options: CellOptions
    reporter: Reporter

    def run(self) -> CellResult:
        self.cell.drop_torn_line()
        pairs = self.planned.split.pairs
        result = CellResult(self.planned, self.cell.path, "ok")
        left = unfused(self.cell, pairs)
        record = self.cell.read_record()
        if not left and not self._missing() and record is not None and record["status"] == "ok":
            result.unavailable = unavailable_scores(self.cell, self.planned, self.options)
            return result
        record = self._begin(record, bool(left))
        result.fused = len(left)
        failures: dict[str, Failure] = {}
        if left:
            failures = self._timed(record, "fuse", len(left), lambda done: self._fuse(record, done))
        result.fused -= len(failures)
        missing = self._missing()
        result.scored = len(missing)
        if missing:
            failures = self._timed(
                record, "score", self._steps(missing), lambda done: self._score(missing, failures, done)
            )
        result.failures = failures
        result.unavailable = unavailable_scores(self.cell, self.planned, self.options)
        self._finish(record, result)
        return result

    def _missing(self) -> dict[str, list[str]]:
        return missing_metrics(
            self.cell, self.planned.split.pairs, self.options.metrics, self.options.profile
        )

    def _steps(self, missing: dict[str, list[str]]) -> int:
        """Count the images that scoring goes through: a set-level metric takes all of them once more."""
        sets = missing.get(WHOLE_SET, [])
        return len(missing.keys() - {WHOLE_SET}) + len(sets) * len(self.planned.split.pairs)

    def _begin(self, record: dict[str, Any] | None, fusing: bool) -> dict[str, Any]:
        """Write run.json before the first image; on resuming, check that the method still is what it was."""
        if record is None:
            record = new_record(self.planned, self.identity, self.cell, self.options, self.weights)
        if self.method is not None:
            record["method"]["color"] = self.method.color
            if fusing:
                record["probe"] = self._probe(record["probe"])
        record.pop("log", None)  # of an earlier call that failed
        record["status"] = "running"
        self.cell.write_record(record)
        return record

    def _probe(self, before: list[float]) -> list[float]:
        try:
            found = probe(self.method)
        except Exception as error:  # a plug-in can raise anything
            raise PluginError(failure_from(error).detail) from error
        if before and not same(before, found):
            raise PluginError(
                f"{self.planned.method.name} computes something else than when {self.cell.path} was begun, though "
                "its files are the same: run again with --fresh."
            )
        return found

    def _timed(
        self, record: dict[str, Any], phase: str, total: int, work: Callable[..., dict[str, Failure]]
    ) -> dict[str, Failure]:
        self.reporter.start(f"{self.planned.label} · {phase}", total)
        started, before = time.monotonic(), energy(self.options.device)
        try:
            return work(lambda *_: self.reporter.advance())
        finally:
            self.reporter.stop()
            add_phase(record, phase, time.monotonic() - started, before, energy(self.options.device))

    def _fuse(self, record: dict[str, Any], done: Done) -> dict[str, Failure]:
        pairs = self.planned.split.pairs
        if self.planned.method.card.command:
            return run_command(self.planned.method, pairs, self.cell, self.options.device, done)
        if self.method is None:
            return take_missing(self.planned.method.source, pairs, self.cell, done)
        method = self.method.eval().to(self.options.device)
        options = self.options
        failures, alone = fuse_missing(method, pairs, self.cell, options.batch_size, options.device, done)
        if alone:
            record["fused_alone"] = sorted({*record.get("fused_alone", ()), *alone})
        return failures

    def _score(
        self,
        missing: dict[str, list[str]],
        failures: dict[str, Failure],
        done: Done,
    ) -> dict[str, Failure]:
        pairs = self.planned.split.pairs
        options = self.options
        return score_missing(self.cell, pairs, missing, options.profile, failures, done, options.device)

    def _finish(self, record: dict[str, Any], result: CellResult) -> None:
        failures = result.failures
        record["images"] = {
            pair_id: {"status": f.status, "detail": f.detail} for pair_id, f in sorted(failures.items())
        }
        if failures:
            first = next(iter(failures.values()))
            same_status = {f.status for f in failures.values()} == {first.status}
            result.status = first.status if same_status else "failed"
            result.detail = f"{len(failures)} of {len(self.planned.split.pairs)} images: {first.detail}"
        record["status"], record["detail"] = result.status, result.detail
        record["provenance"]["finished"] = now()
        self.cell.write_record(record)
