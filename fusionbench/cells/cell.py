"""Run one cell: build the method, choose its weights, fuse, score, record. A method's errors fail its cell alone."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from fusionbench.cells.done import missing_metrics, unavailable_scores, unfused
from fusionbench.cells.fusing.batch_size import fitting_batch
from fusionbench.cells.fusing.forward import ready
from fusionbench.cells.fusing.fuse import Load, failure_from, fuse_missing, seed_everything
from fusionbench.cells.intact import check_images
from fusionbench.cells.lock import locked
from fusionbench.cells.outside.command import run_command
from fusionbench.cells.outside.external import take_missing
from fusionbench.cells.planned import CellResult, Done, Failure, Job
from fusionbench.cells.progress import Reporter
from fusionbench.cells.record import add_phase, cell_of, code_hash, new_record, record_failure
from fusionbench.cells.score_cells import FusedCell, score_cells
from fusionbench.cells.store import Cell
from fusionbench.cells.weights import prepare_weights
from fusionbench.data.images import PairImages, load_pair
from fusionbench.data.manifest import SourceStamps
from fusionbench.data.noise.adding import load_noisy_pair
from fusionbench.errors import FusionbenchError, OutputError, PluginError, WeightsError
from fusionbench.method import FusionMethod, fuse_pair
from fusionbench.provenance import energy
from fusionbench.types import Pair
from fusionbench.weights.methods import Weights, seen_pairs


def run_cell(job: Job, reporter: Reporter, wait: bool = True, scoring: bool = True) -> CellResult:
    """Fuse and score what is missing in one cell and return the cell's result.

    If another process works on the cell, wait for it; with ``wait=False`` return the status "busy" at once. With
    ``scoring=False`` only images are made, and a cell with scores to compute gets the status "fused" (see
    `score_together`). Errors of the method become the result's status. Raises OutputError if the store cannot be
    written, the only error that ends the whole run.
    """
    # constructors draw initial weights, and --weights random promises the same ones for the same seed
    torch.manual_seed(job.options.seed)
    try:
        method, weights = _prepared(job, reporter)
    except OutputError:
        raise
    except FusionbenchError as error:
        traceback.print_exception(error)
        status = "unavailable" if isinstance(error, WeightsError) else "failed"
        return record_failure(job, Failure(status, str(error)))
    except Exception as error:  # training, or a constructor, of a plug-in can raise anything
        return record_failure(job, failure_from(error))
    cell = cell_of(job, weights)
    with locked(cell, reporter, wait) as ours:
        if not ours:
            return CellResult(job.planned, cell.path, "busy")
        if job.options.fresh:
            cell.forget()
        reporter.weights(weights)
        try:
            result, record = _Work(job, method, weights, cell, reporter).fuse()
            if record is not None and scoring:
                score_cells([FusedCell(cell, job, record, result)], job.options.device, reporter)
            elif record is not None:
                cell.write_record(record)
                result.status = "fused"
            return result
        except PluginError as error:
            return record_failure(job, Failure("failed", str(error)), weights)


def _prepared(job: Job, reporter: Reporter) -> tuple[FusionMethod | None, Weights]:
    """Return the method and its weights; the method is None for a command or a folder of images.

    Raises PluginError if the method's files changed since the run was planned, WeightsError if there are no weights.
    """
    planned = job.planned
    method = planned.method.build(planned.config.args) if planned.method.has_class else None
    # checked after the import: the imported code is then the code whose hash names the cell, even if files changed
    # between the plan and now
    if code_hash(planned) != job.identity["method"]["files"]:
        raise PluginError(f"The files of {planned.method.name} changed since the run was planned: run again.")
    if method is None:
        return None, Weights("none")
    return method, prepare_weights(planned, method, job.options, reporter, job.weights)


@dataclass
class _Work:
    """The work on one cell that this process has locked."""

    job: Job
    method: FusionMethod | None
    weights: Weights
    cell: Cell
    reporter: Reporter

    def fuse(self) -> tuple[CellResult, dict[str, Any] | None]:
        """Fuse and store the missing images; return the result, and the record to complete (None if all is done)."""
        job, planned = self.job, self.job.planned
        # only under the lock: another process that still appends would have its half-written line cut off
        self.cell.drop_torn_line()
        result = CellResult(planned, self.cell.path, "ok")
        left = unfused(self.cell, planned.split.pairs)
        missing = missing_metrics(self.cell, planned.split.pairs, job.metrics, job.options.profile)
        record = self.cell.read_record()
        if not left and not missing and record is not None and record["status"] == "ok":
            result.unavailable = unavailable_scores(self.cell, job, job.metrics)
            return result, None
        if planned.split.content_hash() != job.identity["data"]:
            raise PluginError(
                f"The sources of {planned.label} were replaced since the run was planned: run again."
            )
        # checked here and again after fusing, which can take hours: scoring then writes new hashes of all images, and an
        # edited one would be taken for the method's
        check_images(self.cell, record)
        record = self._begin(record, bool(left))
        if left:
            result.failures = self._timed_fuse(record, len(left))
            check_images(self.cell, record)
        result.fused = len(left) - len(result.failures)
        return result, record

    def _begin(self, record: dict[str, Any] | None, fusing: bool) -> dict[str, Any]:
        """Write run.json with the status "running" and return it; on resuming, compare the method's probe first.

        The record is written before the first image, so that a killed cell is seen as unfinished and its images have an
        owner. Raises PluginError if the probe differs from the stored one.
        """
        if record is None:
            record = new_record(self.job, self.weights)
            record["weights"]["seen"] = self._seen()
        if self.method is not None:
            record["method"]["color"] = self.method.color
            if fusing:
                record["probe"] = self._probe(self.method, record["probe"])
        record.pop("log", None)  # the log of an earlier call that failed
        record["status"] = "running"
        self.cell.write_record(record)
        return record

    def _seen(self) -> list[str]:
        """Return the ids of the pairs that the weights were trained on, and warn the user of them."""
        split = self.job.planned.split
        seen = seen_pairs(self.weights, split)
        if seen:
            self.reporter.say(
                f"Warning: {self.job.planned.label}: the weights were trained on files of {len(seen)} of these "
                f"{len(split.pairs)} pairs, so that these scores are no test of the method; tables will say so."
            )
        return seen

    def _probe(self, method: FusionMethod, before: list[float]) -> list[float]:
        seed_everything(self.job.options.seed, ["probe"])
        try:
            probed = probe(method)
        except Exception as error:  # a plug-in can raise anything
            raise PluginError(failure_from(error).detail) from error
        if before and not same(before, probed):
            raise PluginError(
                f"{self.job.planned.method.name} computes something else than when {self.cell.path} was begun, though "
                "its files are the same: run again with --fresh."
            )
        return probed

    def _timed_fuse(self, record: dict[str, Any], total: int) -> dict[str, Failure]:
        device = self.job.options.device
        self.reporter.start(f"{self.job.planned.label} · fuse", total)
        started, before = time.monotonic(), energy(device)
        try:
            return self._fuse(record, lambda *_: self.reporter.advance())
        finally:
            self.reporter.stop()
            add_phase(record, "fuse", time.monotonic() - started, before, energy(device))

    def _fuse(self, record: dict[str, Any], done: Done) -> dict[str, Failure]:
        planned, options = self.job.planned, self.job.options
        pairs, noise = planned.split.pairs, planned.noise
        read = partial(load_noisy_pair, noise=noise, seed=options.seed) if noise else load_pair
        stamps = SourceStamps(pairs)

        def load(pair: Pair) -> PairImages:
            images = read(pair)
            stamps.check(pair)
            return images

        if planned.method.card.command:
            return run_command(planned.method, pairs, self.cell, options.device, done, load)
        if self.method is None:
            return take_missing(planned.method.source, pairs, self.cell, done)
        method = ready(self.method, options.device)
        size = self._batch_size(record, method, load)
        failures, alone = fuse_missing(
            method, pairs, self.cell, size, options.device, done, load, options.seed
        )
        if alone:
            record["fused_alone"] = sorted({*record.get("fused_alone", ()), *alone})
        return failures

    def _batch_size(self, record: dict[str, Any], method: FusionMethod, load: Load) -> int:
        """Return the batch size asked for, for "auto" that with which the cell was begun."""
        if isinstance(self.job.options.batch_size, int):
            return self.job.options.batch_size
        if "batch_size" not in record:
            pairs = self.job.planned.split.pairs
            record["batch_size"] = fitting_batch(method, pairs, load, self.job.options.device)
            # before the first image, so that a call that resumes with more or less memory writes the same bytes
            self.cell.write_record(record)
        return record["batch_size"]


TOLERANCE = 1e-4  # of a probe's values in [0, 1]: thread counts and kernel versions differ by less, other code by more


def probe(method: FusionMethod) -> list[float]:
    """Return the 16 means of 4x4 blocks of ``fuse`` on a fixed generated 64x64 pair, each in [0, 1], 6 decimals.

    It is computed on the CPU whatever the cell's device, so that a cell may be resumed on another machine. It catches
    changes that the hash of the method's files cannot see, for example in an installed library.
    """
    device = method.device
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing="ij")
    a = (0.5 + 0.5 * torch.sin(9 * x) * torch.cos(7 * y))[None, None]
    b = torch.stack([x, y, (x + y) / 2])[None]
    fused = fuse_pair(method.cpu(), a, b).mean(1, keepdim=True)
    method.to(device)
    return [round(value, 6) for value in F.adaptive_avg_pool2d(fused, 4).flatten().tolist()]


def same(before: list[float], now: list[float]) -> bool:
    """Tell whether two probes agree within `TOLERANCE`."""
    return len(before) == len(now) and all(abs(x - y) <= TOLERANCE for x, y in zip(before, now, strict=True))
