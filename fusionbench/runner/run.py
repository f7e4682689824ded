"""``fusionbench run``: plan, then one cell after the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fusionbench.data.pairs import Split
from fusionbench.errors import FusionbenchError, OutputError, RequestError
from fusionbench.files import cannot_write
from fusionbench.metrics import resolve, resolve_profile
from fusionbench.runner.cell import CellOptions, CellResult, run_cell
from fusionbench.runner.plan import Plan, PlanError, PlannedCell, Request, make_plan
from fusionbench.runner.progress import Reporter
from fusionbench.runner.store import read_records
from fusionbench.runner.weights import WeightsPolicy
from fusionbench.training.estimate import announce
from fusionbench.training.fit import FitOptions, train


@dataclass(frozen=True)
class RunOptions:
    """Everything a run can be told; the names are those of the command line's options."""

    method: tuple[str, ...]
    dataset: tuple[str, ...]
    split: str = "test"
    metrics: str | Sequence[str] | None = None
    profile: str = "canonical"
    weights: str = "auto"
    no_train: bool = False
    limit: int | None = None
    seed: int = 0
    device: str = "auto"
    batch_size: int = 1
    data_root: str | None = None
    out: Path = Path("runs")
    fresh: bool = False
    baselines: bool = True
    overrides: tuple[str, ...] = ()


@dataclass
class RunResult:
    """What a run came to, cell by cell."""

    cells: list[CellResult] = field(default_factory=list)
    skipped: tuple[tuple[str, str, str], ...] = ()

    @property
    def ok(self) -> bool:
        return all(cell.status == "ok" for cell in self.cells)

    @property
    def worked(self) -> bool:
        """Tell whether anything was computed, as opposed to found done."""
        return any(cell.fused or cell.scored for cell in self.cells)

    def records(self) -> list[dict[str, Any]]:
        """Return run.json of each cell, with its folder under ``path``."""
        return [record for cell in self.cells if cell.path for record in read_records(cell.path)]


def run(
    method: str | Sequence[str],
    dataset: str | Sequence[str],
    *,
    reporter: Reporter | None = None,
    **options: Any,
) -> RunResult:
    """Run methods on data sets and return what became of each cell; the images and scores are under ``out``.

    ``options`` are the fields of RunOptions. Raises PlanError, a FusionbenchError that lists everything wrong with
    the request, before any work.
    """
    asked = RunOptions(_tuple(method), _tuple(dataset), **options)
    return execute(asked, reporter or Reporter())


def _tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(part.strip() for part in parts if part.strip())


def plan_run(options: RunOptions) -> Plan:
    """Check the request without doing anything. Raises PlanError, RequestError or UnknownNameError."""
    resolve(options.metrics, options.profile)
    pick_device(options.device)
    if options.batch_size < 1:
        raise RequestError(f"--batch-size must be at least 1; got {options.batch_size}.")
    if options.weights not in ("auto", "random") and not Path(options.weights).expanduser().is_file():
        raise RequestError(
            f"Weights file '{options.weights}' does not exist: give --weights auto, random or a file."
        )
    plan = make_plan(
        Request(
            options.method,
            options.dataset,
            options.split,
            options.limit,
            options.data_root,
            options.baselines,
            options.overrides,
        )
    )
    _check_arguments(plan)
    return plan


def _check_arguments(plan: Plan) -> None:
    """Find arguments that a class does not take before any work; code that cannot be imported costs its cells only."""
    from fusionbench.errors import ConfigError

    problems = []
    for cell in {c.method.name: c for c in plan.cells if c.config.args}.values():
        try:
            cell.method.build(cell.config.args)
        except ConfigError as error:
            problems.append(str(error))
        except FusionbenchError:
            continue
    if problems:
        raise PlanError(problems)


def execute(options: RunOptions, reporter: Reporter) -> RunResult:
    """Carry out a run. Raises OutputError where results cannot be stored; a failing method only fails its cell."""
    plan = plan_run(options)
    check_writable(options.out)
    device = pick_device(options.device)
    cell_options = CellOptions(
        out=options.out,
        device=device,
        metrics=tuple(resolve(options.metrics, options.profile)),
        profile=resolve_profile(options.profile),
        batch_size=options.batch_size,
        seed=options.seed,
        fresh=options.fresh,
        policy=weights_policy(options, reporter),
    )
    manifests: dict[str, str] = {}
    result = RunResult(skipped=plan.skipped)
    for planned in plan.cells:
        name = planned.split.spec.name
        if name not in manifests:
            manifests[name] = planned.split.content_hash()
        found = run_cell(planned, manifests[name], cell_options, reporter)
        if found.status != "ok":
            reporter.say(f"{found.label}: {found.status}: {found.detail}")
        result.cells.append(found)
    return result


def weights_policy(options: RunOptions, reporter: Reporter) -> WeightsPolicy:
    fit = FitOptions(options.seed, options.device)

    def train_cell(planned: PlannedCell, split: Split) -> Path:
        announce(planned.method, planned.config, split, fit, reporter.say)
        return train(planned.method, planned.config, split, options.out, fit).weights

    allowed = None if options.no_train else train_cell
    return WeightsPolicy(options.weights, options.out, options.data_root, options.seed, allowed)


def pick_device(name: str) -> torch.device:
    """Turn auto, cpu, cuda or cuda:i into a device that is here. Raises RequestError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RequestError(f"Device '{name}' is unknown: use auto, cpu, cuda or cuda:0.") from error
    if device.type not in ("cpu", "cuda"):
        raise RequestError(f"Device '{name}' is not supported: use auto, cpu, cuda or cuda:0.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RequestError(
            f"Device '{name}' is not here, {torch.cuda.device_count()} CUDA devices are: use --device cpu."
        )
    return device


def check_writable(out: Path) -> None:
    """Raise OutputError before any work where results could not be stored."""
    probe_file = out / f".writable.{os.getpid()}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe_file.write_bytes(b"x")
        probe_file.unlink()
    except OSError as error:
        raise OutputError(cannot_write(out, error)) from error
