"""``fusionbench run``: plan the cells, find those that are done, compute the others."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from fusionbench.cells.done import check_options, find_done
from fusionbench.cells.planned import CellResult, Job, PlannedCell, RunOptions
from fusionbench.cells.progress import Reporter
from fusionbench.cells.record import make_identity
from fusionbench.cells.store import Cell
from fusionbench.cells.weights import choose_weights
from fusionbench.data.raw_counts import sampled_warnings
from fusionbench.devices import pick_device, scorers, slots
from fusionbench.errors import FusionbenchError, PlanError, RequestError
from fusionbench.files import check_writable
from fusionbench.metrics import resolve, resolve_profile
from fusionbench.metrics.registry import has_network
from fusionbench.runs.local import run_local
from fusionbench.runs.plan import Lookup, Plan, make_plan
from fusionbench.runs.preview import opening, preview
from fusionbench.types import SEEDS
from fusionbench.weights.methods import Weights

T = TypeVar("T")


@dataclass
class RunResult:
    """The results of a run by cell; ``skipped`` are (data set, method, reason) of combinations left out."""

    cells: list[CellResult] = field(default_factory=list)
    skipped: tuple[tuple[str, str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every cell has all images and every requested score, an undefined one included."""
        return all(cell.status == "ok" and not cell.unavailable for cell in self.cells)

    @property
    def worked(self) -> bool:
        """Whether anything was computed, as opposed to everything having been done before."""
        return any(cell.fused or cell.scored for cell in self.cells)

    def records(self) -> list[dict[str, Any]]:
        """Return run.json of each cell, with its folder under the key ``path``."""
        return [
            {**record, "path": str(cell.path)}
            for cell in self.cells
            if cell.path and (record := Cell(cell.path).read_record())
        ]


def run(
    method: str | Sequence[str],
    dataset: str | Sequence[str],
    *,
    reporter: Reporter | None = None,
    **options: Any,
) -> RunResult:
    """Run methods on data sets and return the result of each cell; images and scores are stored below ``out``.

    ``method`` and ``dataset`` are names, separated by commas or in a sequence; ``options`` are the other fields of
    `RunOptions`. Raises PlanError (a FusionbenchError that lists everything wrong with the request) before any work, and
    OutputError if results cannot be stored. A failing method does not raise: its cell has another status than "ok".
    """
    asked = RunOptions(_tuple(method), _tuple(dataset), **options)
    return execute([asked], reporter or Reporter())


def _tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(part.strip() for part in parts if part.strip())


def plan_run(asked: RunOptions, lookup: Lookup | None = None) -> Plan:
    """Check a request and return its plan without any work. Raises PlanError, RequestError or UnknownNameError."""
    profile, metrics = resolve_profile(asked.profile), tuple(resolve(asked.metrics, asked.profile))
    check_options(metrics)
    device = _device(asked)
    options = replace(
        asked,
        device=device,
        profile=profile,
        metrics=metrics,
        batch_size=_batch_size(asked.batch_size, device),
    )
    for name in ("jobs", "timeout", "memory_limit", "train_within"):
        value, least = getattr(options, name), 1 if name == "jobs" else 0
        # written so that NaN, which compares false with everything, is refused
        if value is not None and not (least <= value < math.inf and value > 0):
            wanted = "at least 1" if least else "more than 0"
            raise RequestError(f"--{name.replace('_', '-')} must be {wanted}; got {value}.")
    if options.seed not in SEEDS:
        raise RequestError(f"--seed must be from 0 to {SEEDS[-1]}; got {options.seed}.")
    if (
        options.weights not in ("auto", "trained", "latest", "random")
        and not Path(options.weights).expanduser().is_file()
    ):
        raise RequestError(
            f"Weights file '{options.weights}' does not exist: give --weights auto, trained, latest, random or a file."
        )
    return make_plan(options, lookup)


def _batch_size(asked: int | str, device: str) -> int | str:
    if asked == "auto":
        return asked if device.startswith("cuda") else 1
    if not str(asked).isdecimal() or int(asked) < 1:
        raise RequestError(f"--batch-size must be a number of pairs, at least 1, or auto; got {asked}.")
    return int(asked)


def _device(options: RunOptions) -> str:
    """Return the device of the cells after checking the executor.

    On a cluster Ray chooses the GPU, and this machine need not have one.
    """
    if options.executor not in ("local", "ray"):
        raise RequestError(f"--executor '{options.executor}' is unknown: use local or ray.")
    if options.executor == "ray":
        from fusionbench.runs.on_ray import check_ray

        check_ray()
        if options.device == "cuda":
            return "cuda"
        if ":" in options.device:
            raise RequestError(
                f"--device {options.device} with --executor ray: Ray chooses the GPU, use cuda."
            )
    return pick_device(options.device)


def execute(asked: Sequence[RunOptions], reporter: Reporter) -> RunResult:
    """Carry out several runs as one; cells that are done only cost reading their records.

    Device, jobs, limits, folder and shard are taken from the first. Raises PlanError that lists everything wrong with
    all of them, and OutputError if results cannot be stored; a failing method fails its own cell only.
    """
    plans = plan_all(asked)
    first = plans[0].options
    check_writable(first.out)
    reporter.say(opening(plans))
    jobs = make_jobs(plans)
    results = {job.index: done for job in jobs if (done := find_done(job))}
    # from files alone: a call with nothing left to do starts no process and loads no torch
    left = [job for job in jobs if job.index not in results]
    for sentence in dict.fromkeys(text for plan in plans for text in (*plan.broken, *plan.left_out)):
        reporter.say(f"Left out: {sentence}")
    if left:
        for sentence in preview(jobs, results):
            reporter.say(sentence)
        splits = {(job.planned.split.spec.name, job.planned.split.name): job.planned.split for job in left}
        for split in splits.values():
            for sentence in sampled_warnings(split.pairs):
                reporter.say(f"Warning: {sentence}")
        results |= carry_out_jobs(left, first, reporter)
    for name, reason in dict.fromkeys(
        entry for cell in results.values() for entry in cell.unavailable.items()
    ):
        reporter.say(f"{name}: unavailable: {reason}")
    skipped = tuple(dict.fromkeys(skip for plan in plans for skip in plan.skipped))
    return RunResult([results[job.index] for job in jobs], skipped)


def plan_all(asked: Sequence[RunOptions]) -> list[Plan]:
    """Return the plan of each request. Raises PlanError with the problems of all."""
    plans, problems, lookup = [], [], Lookup()
    for options in asked:
        try:
            plans.append(plan_run(options, lookup))
        except PlanError as error:
            problems += str(error).splitlines()
    if problems:
        raise PlanError(problems)
    return plans


def make_jobs(plans: Sequence[Plan]) -> list[Job]:
    """Return the jobs of the shard, each with its weights and identity; a cell in several runs is one job.

    The shard is that of the first request. Raises RequestError if it is not written as i/n.
    """
    cells: dict[tuple[object, ...], tuple[PlannedCell, RunOptions]] = {}
    for plan in plans:
        for planned in plan.cells:
            split = planned.split
            place = split.spec.name, split.name, split.limit, planned.name
            cells.setdefault(place, (planned, plan.options))
    jobs = []
    manifests: dict[tuple[object, ...], str] = {}
    for index, (key, (planned, options)) in shard_of([*enumerate(cells.items())], plans[0].options.shard):
        data = key[:-1]
        # once for each split and limit, not for each cell: hashing a large data set can take minutes
        if data not in manifests:
            manifests[data] = planned.split.content_hash()
        identity = make_identity(planned, manifests[data], options)
        metrics = tuple(options.metrics or ())
        jobs.append(Job(index, planned, options, metrics, identity, _weights(planned, options)))
    return jobs


def _weights(planned: PlannedCell, options: RunOptions) -> Weights | None:
    """Return the weights if they can be chosen before any work, else None; the cell will report an error in them."""
    if not planned.method.has_class or planned.method.card.kind != "learned":
        return None
    try:
        return choose_weights(planned, options)
    except FusionbenchError:
        return None


def shard_of(cells: list[T], shard: str | None) -> list[T]:
    """Return part i of n for a shard "i/n": every n-th cell from the i-th on. Raises RequestError if it is not i/n.

    Neighbours go to different shards, because the cells of one data set are next to each other in the plan.
    """
    if shard is None:
        return cells
    parts = re.fullmatch(r"(\d+)/(\d+)", shard)
    if parts is None or not 1 <= int(parts[1]) <= int(parts[2]):
        raise RequestError(f"--shard '{shard}' is not a part: write i/n with i from 1 to n, for example 1/4.")
    return cells[int(parts[1]) - 1 :: int(parts[2])]


def carry_out_jobs(jobs: list[Job], options: RunOptions, reporter: Reporter) -> dict[int, CellResult]:
    """Run the jobs, locally or on Ray, and return their results by index."""
    planned = {job.index: job.planned for job in jobs}
    reporters = {job.index: reporter.beside() for job in jobs}
    results: dict[int, CellResult] = {}
    if options.executor == "ray":
        from fusionbench.runs.on_ray import run_on_ray

        messages = run_on_ray(jobs, options)
    else:
        here = slots(options.device, options.jobs)
        # networks of metrics score faster on the GPU than beside it
        networks = any(has_network(name) for job in jobs for name in job.metrics)
        messages = run_local(jobs, here, options, 0 if networks else scorers(here))
    for index, what, *content in messages:
        # a result travels without its plan, which lists all pairs
        if what == "result":
            result = results[index] = replace(content[0], planned=planned[index])
            reporters[index].stop()
            if result.status != "ok":
                reporter.say(f"{result.label}: {result.status}: {result.detail}")
        else:
            getattr(reporters[index], what)(*content)
    return results
