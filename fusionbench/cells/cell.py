"""Run one cell: build, choose weights, fuse, score, record. Whatever goes wrong in a method stays in its cell."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from fusionbench.cells.done import missing_metrics, unavailable_scores, unfused
from fusionbench.cells.fuse import failure_from, fuse_missing, seed_everything
from fusionbench.cells.intact import check_images
from fusionbench.cells.lock import locked
from fusionbench.cells.outside.command import run_command
from fusionbench.cells.outside.external import take_missing
from fusionbench.cells.planned import CellResult, Done, Failure, PlannedCell
from fusionbench.cells.progress import Reporter
from fusionbench.cells.record import (
    CellOptions,
    add_phase,
    cell_of,
    make_identity,
    new_record,
    record_failure,
)
from fusionbench.cells.score_cells import FusedCell, score_cells
from fusionbench.cells.store import Cell
from fusionbench.cells.weights import prepare
from fusionbench.data.images import PairImages, load_pair
from fusionbench.data.manifest import SourceStamps
from fusionbench.data.noise.adding import load_noisy_pair
from fusionbench.errors import FusionbenchError, OutputError, PluginError, WeightsError
from fusionbench.method import FusionMethod, fuse_pair
from fusionbench.provenance import energy
from fusionbench.types import Pair
from fusionbench.weights.methods import Weights


def run_cell(
    planned: PlannedCell,
    manifest: str,
    options: CellOptions,
    reporter: Reporter,
    wait: bool = True,
    scoring: bool = True,
) -> CellResult:
    """Bring one cell up to date.

    A cell that another process works on is waited for, or with ``wait`` off left with the status busy. With
    ``scoring`` off a cell that lacks more than images is left with the status fused, for `score_together`. Raises
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
    with locked(cell, reporter, wait) as ours:
        if not ours:
            return CellResult(planned, cell.path, "busy")
        if options.fresh:
            cell.forget()
        reporter.weights(weights)
        try:
            return _Work(planned, method, weights, identity, cell, options, reporter).run(scoring)
        except PluginError as error:
            return record_failure(planned, manifest, options, Failure("failed", str(error)), weights)


@dataclass
class _Work:
    """The work on one locked cell."""

    planned: PlannedCell
    method: FusionMethod | None
    weights: Weights
    identity: dict[str, Any]
    cell: Cell
    options: CellOptions
    reporter: Reporter

    def run(self, scoring: bool) -> CellResult:
        self.cell.drop_torn_line()
        result = CellResult(self.planned, self.cell.path, "ok")
        left = unfused(self.cell, self.planned.split.pairs)
        record = self.cell.read_record()
        if not left and not self._missing() and record is not None and record["status"] == "ok":
            result.unavailable = unavailable_scores(self.cell, self.planned, self.options)
            return result
        if self.planned.split.content_hash() != self.identity["data"]:
            raise PluginError(
                f"The sources of {self.planned.label} were replaced since the run was planned: run again."
            )
        check_images(self.cell, record)
        record = self._begin(record, bool(left))
        if left:
            result.failures = self._timed_fuse(record, len(left))
            check_images(self.cell, record)
        result.fused = len(left) - len(result.failures)
        if scoring:
            score_cells(
                [FusedCell(self.cell, self.options, record, result)], self.options.device, self.reporter
            )
        else:
            self.cell.write_record(record)
            result.status = "fused"
        return result

    def _missing(self) -> dict[str, list[str]]:
        return missing_metrics(
            self.cell, self.planned.split.pairs, self.options.metrics, self.options.profile
        )

    def _begin(self, record: dict[str, Any] | None, fusing: bool) -> dict[str, Any]:
        """Write run.json before the first image; on resuming, check that the method still is what it was."""
        if record is None:
            record = new_record(self.planned, self.identity, self.cell, self.options, self.weights)
        if self.method is not None:
            record["method"]["color"] = self.method.color
            if fusing:
                record["probe"] = self._probe(self.method, record["probe"])
        record.pop("log", None)  # of an earlier call that failed
        record["status"] = "running"
        self.cell.write_record(record)
        return record

    def _probe(self, method: FusionMethod, before: list[float]) -> list[float]:
        seed_everything(self.options.seed, ["probe"])
        try:
            probed = probe(method)
        except Exception as error:  # a plug-in can raise anything
            raise PluginError(failure_from(error).detail) from error
        if before and not same(before, probed):
            raise PluginError(
                f"{self.planned.method.name} computes something else than when {self.cell.path} was begun, though "
                "its files are the same: run again with --fresh."
            )
        return probed

    def _timed_fuse(self, record: dict[str, Any], total: int) -> dict[str, Failure]:
        self.reporter.start(f"{self.planned.label} · fuse", total)
        started, before = time.monotonic(), energy(self.options.device)
        try:
            return self._fuse(record, lambda *_: self.reporter.advance())
        finally:
            self.reporter.stop()
            add_phase(record, "fuse", time.monotonic() - started, before, energy(self.options.device))

    def _fuse(self, record: dict[str, Any], done: Done) -> dict[str, Failure]:
        pairs, noise = self.planned.split.pairs, self.planned.noise
        read = partial(load_noisy_pair, noise=noise, seed=self.options.seed) if noise else load_pair
        stamps = SourceStamps(pairs)

        def load(pair: Pair) -> PairImages:
            images = read(pair)
            stamps.check(pair)
            return images

        if self.planned.method.card.command:
            return run_command(self.planned.method, pairs, self.cell, self.options.device, done, load)
        if self.method is None:
            return take_missing(self.planned.method.source, pairs, self.cell, done)
        method = self.method.eval().to(self.options.device)
        options = self.options
        failures, alone = fuse_missing(
            method, pairs, self.cell, options.batch_size, options.device, done, load, options.seed
        )
        if alone:
            record["fused_alone"] = sorted({*record.get("fused_alone", ()), *alone})
        return failures


TOLERANCE = 1e-4  # other threads and versions of a kernel differ by less, other code by more


def probe(method: FusionMethod) -> list[float]:
    """Return the 4x4 block means of ``fuse`` on a fixed generated pair of 64x64, computed on the CPU."""
    device = method.device
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing="ij")
    a = (0.5 + 0.5 * torch.sin(9 * x) * torch.cos(7 * y))[None, None]
    b = torch.stack([x, y, (x + y) / 2])[None]
    fused = fuse_pair(method.cpu(), a, b).mean(1, keepdim=True)
    method.to(device)
    return [round(value, 6) for value in F.adaptive_avg_pool2d(fused, 4).flatten().tolist()]


def same(before: list[float], now: list[float]) -> bool:
    return len(before) == len(now) and all(abs(x - y) <= TOLERANCE for x, y in zip(before, now, strict=True))
