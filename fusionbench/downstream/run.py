"""``fusionbench downstream``: plan the units, skip those with results, compute the others."""

from __future__ import annotations

import math
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from fusionbench.cells.planned import Failure
from fusionbench.cells.progress import Reporter
from fusionbench.cells.store import read_records
from fusionbench.cells.task_scores import task_results
from fusionbench.data.registry import dataset as dataset_spec
from fusionbench.devices import pick_device, slots
from fusionbench.downstream.division import Division, find_division
from fusionbench.downstream.isolated import UnitLimits, run_isolated
from fusionbench.downstream.recipes import TASKS, Task, TaskNetwork, choose_recipe
from fusionbench.downstream.rows import DownstreamRow, find_rows
from fusionbench.downstream.units import PROTOCOLS, Protocol, Unit
from fusionbench.errors import RequestError, UnknownNameError

NEEDED = {
    "smp": ("segmentation_models_pytorch", "segmentation-models-pytorch", "downstream"),
    "torchvision": ("torchvision", "torchvision", "downstream"),
    "ultralytics": ("ultralytics", "ultralytics", "yolo"),
}


@dataclass(frozen=True)
class DownstreamOptions:
    """All options of a call, with the names of the command line."""

    task: Task
    dataset: str
    runs: tuple[Path, ...] = (Path("runs"),)
    split: str = "test"
    method: tuple[str, ...] = ()
    network: str | None = None
    protocol: Protocol = "retrain"
    seeds: tuple[int, ...] = (0,)
    division: str = "auto"
    limit: int | None = None
    device: str = "auto"
    data_root: str | None = None
    jobs: int | None = None
    timeout: float | None = None
    memory_limit: float | None = None
    fresh: bool = False
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnitResult:
    """The outcome of a unit; ``status`` is ok, failed, timeout, oom, unavailable, or skipped (images are missing)."""

    method: str
    seed: int
    status: str
    detail: str = ""
    path: Path | None = None
    computed: bool = False


@dataclass
class DownstreamResult:
    """The outcomes of units in the order of rows and seeds, and the records of their cells."""

    units: list[UnitResult] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(unit.status == "ok" for unit in self.units)


@dataclass(frozen=True)
class DownstreamPlan:
    """A checked call: the units to compute, and the rows that cannot be computed."""

    units: tuple[Unit, ...]
    lacking: tuple[DownstreamRow, ...]
    division: Division
    network: TaskNetwork
    records: tuple[dict[str, Any], ...]


def check_request(options: DownstreamOptions) -> tuple[TaskNetwork, Division]:
    """Return the network and the division of a call, which may be known before anything is fused.

    Raises FusionbenchError if an option is not valid, or if a library or labels are not here.
    """
    if options.protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", options.protocol, PROTOCOLS)
    if options.task not in TASKS:
        raise UnknownNameError("downstream task", options.task, TASKS)
    for name in ("jobs", "timeout", "memory_limit", "limit"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:  # NaN, too, is refused
            raise RequestError(f"--{name.replace('_', '-')} must be more than 0; got {value}.")
    network = choose_recipe(options.task, options.network, options.overrides)
    _check_installed(network)
    spec = dataset_spec(options.dataset)
    division = find_division(
        spec, options.task, options.division, options.split, options.data_root, options.limit
    )
    return network, division


def plan_downstream(options: DownstreamOptions) -> DownstreamPlan:
    """Return the plan of a call without computing anything. Raises FusionbenchError if an option is not valid."""
    network, division = check_request(options)
    device = pick_device(options.device)
    records = read_records(*options.runs)
    rows = find_rows(records, division, options.method)
    units = tuple(
        Unit(
            row,
            division,
            network,
            options.protocol,
            seed,
            device,
            _learned_from(row, division, options.protocol),
        )
        for row in rows
        for seed in options.seeds
        if not row.lacks
    )
    here = {str(row.cell.path) for row in rows}
    return DownstreamPlan(
        units,
        tuple(row for row in rows if row.lacks),
        division,
        network,
        tuple(record for record in records if record["path"] in here),
    )


def _learned_from(row: DownstreamRow, division: Division, protocol: Protocol) -> dict[str, Path]:
    if protocol == "retrain":
        return dict(row.train)
    return {pair.id: pair.b for pair in division.train}


def _check_installed(network: TaskNetwork) -> None:
    module, package, extra = NEEDED.get(network.recipe.library, ("", "", ""))
    if not module:
        raise RequestError(f"Library '{network.recipe.library}' is unknown: use {', '.join(NEEDED)}.")
    wanted = [(module, package, extra)]
    if (
        network.task == "detect"
        and find_spec("faster_coco_eval") is None
        and find_spec("pycocotools") is None
    ):
        wanted.append(("faster_coco_eval", "faster-coco-eval", "downstream"))
    for name, title, group in wanted:
        if find_spec(name) is None:
            licence = " (AGPL-3.0: read its terms first)" if group == "yolo" else ""
            raise RequestError(
                f"The network '{network.name}' needs {title}, which is not installed: "
                f'`pip install "fusionbench-imaging[{group}]"`{licence}.'
            )


def done(unit: Unit) -> bool:
    """Tell whether a unit's result is stored."""
    return any(result.ok and result.path == unit.place for result in task_results(unit.row.cell.path))


def forget(unit: Unit) -> None:
    """Delete a unit's result and its trained network."""
    shutil.rmtree(unit.place, ignore_errors=True)
    shutil.rmtree(unit.network_place, ignore_errors=True)


def downstream(options: DownstreamOptions, reporter: Reporter | None = None) -> DownstreamResult:
    """Train and test networks on fused images, and store their scores in the cells of these images.

    Units with results are not computed again. Raises FusionbenchError if the request is not valid, before any work, and
    OutputError if results cannot be stored; a unit that fails does not affect the others.
    """
    plan = plan_downstream(options)
    reporter = reporter or Reporter()
    if options.fresh:
        for unit in plan.units:
            forget(unit)
    left = [unit for unit in plan.units if not done(unit)]
    outcomes = dict(_compute(left, options, reporter))
    units = [_result(unit, unit in left, outcomes.get(unit.place)) for unit in plan.units]
    skipped = [
        UnitResult(row.method, seed, "skipped", row.lacks) for row in plan.lacking for seed in options.seeds
    ]
    for ended in (ended for ended in (*units, *skipped) if ended.status != "ok"):
        reporter.say(f"{ended.method}, seed {ended.seed}: {ended.status}: {ended.detail}")
    return DownstreamResult([*units, *skipped], list(plan.records))


def _result(unit: Unit, computed: bool, failure: Failure | None) -> UnitResult:
    status, detail = (failure.status, failure.detail) if failure else ("ok", "")
    return UnitResult(unit.row.method, unit.seed, status, detail, unit.place, computed)


def _compute(
    units: Sequence[Unit], options: DownstreamOptions, reporter: Reporter
) -> Iterator[tuple[Path, Failure | None]]:
    """Compute the units, as many at once as there are slots, and yield each one's folder and failure (None if ok)."""
    if not units:
        return
    # a free slot is a device name in this queue, so that no GPU gets more units at once than it has slots
    places: SimpleQueue[str] = SimpleQueue()
    devices = slots(pick_device(options.device), options.jobs)
    for device in devices:
        places.put(device)
    threads = max(1, (os.cpu_count() or 1) // len(devices)) if len(devices) > 1 else None
    limits, stop = UnitLimits(options.timeout, options.memory_limit, threads), threading.Event()

    def work(unit: Unit) -> tuple[Path, Failure | None]:
        device = places.get()
        try:
            return unit.place, run_isolated(unit.on(device), limits, reporter.beside(), stop)
        finally:
            places.put(device)

    with ThreadPoolExecutor(len(devices)) as pool:
        waiting = [pool.submit(work, unit) for unit in units]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
