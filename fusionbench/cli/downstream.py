"""``fusionbench downstream segment|detect``: train and test networks for segmentation or detection on fused images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import DataRoot, Device, Fresh, Json, MemoryLimit
from fusionbench.cli.outcome import comma_list, print_json, resumable
from fusionbench.errors import RequestError
from fusionbench.types import SEEDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fusionbench.downstream.run import DownstreamOptions, DownstreamPlan, DownstreamResult, UnitResult
    from fusionbench.runs.run import RunOptions
    from fusionbench.runs.sweep import Sweep
    from fusionbench.tables.model import Table

app = typer.Typer(
    help="Train and test a segmentation or detection network on fused images.", no_args_is_help=True
)


def register(root: typer.Typer) -> None:
    """Add the group of verbs to the application."""
    root.add_typer(app, name="downstream")


Runs = Annotated[
    list[Path] | None, typer.Option("--runs", help="Runs folders, repeatable.", show_default="runs")
]
Dataset = Annotated[str, typer.Option("--dataset", "-d", help="One data set with labels.")]
Method = Annotated[
    str | None,
    typer.Option(
        "--method", "-m", help="Only these methods, comma-separated.", show_default="all of the runs"
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        "--network",
        "-n",
        help="Recipe of the network; @cpu ones are small. segment: deeplabv3plus[@cpu]; detect: fasterrcnn, fcos@cpu, "
        "yolov5s, yolov8s, yolov8n@cpu (the yolo ones need the extra yolo: ultralytics is under AGPL-3.0).",
        show_default="deeplabv3plus or fasterrcnn",
    ),
]
Protocol = Annotated[
    str,
    typer.Option(
        help="retrain: one network per row, trained on the row's images, as papers do; frozen: one network, trained on "
        "visible images, for all rows."
    ),
]
Seeds = Annotated[str, typer.Option("--seed", help="Seeds of the training, comma-separated.")]
Division = Annotated[
    str,
    typer.Option(
        help="Pairs to train and to test on: official, roles (split.csv of the data set), a CSV file with name and role, "
        "a fraction to train on such as 0.8, or auto: official where labels of the train split are here, else roles."
    ),
]
Split = Annotated[
    str, typer.Option(help="The split whose pairs are divided, unless the division is official.")
]
Limit = Annotated[
    int | None, typer.Option(help="Only the first N pairs of each split, as in a run with that limit.")
]
Jobs = Annotated[int | None, typer.Option(help="Trainings at once.", show_default="1, or one per GPU")]
Timeout = Annotated[
    float | None,
    typer.Option(metavar="S", help="Seconds that one row with one seed may take, including training."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, print what is done and what is left, stop.")
]
Changes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Recipe, e.g. epochs=30 height=480 backbone=resnet50-11ad3fa6.pth."
    ),
]


def _register(task: str, about: str) -> None:
    @resumable
    def verb(
        dataset: Dataset,
        changes: Changes = None,
        runs: Runs = None,
        method: Method = None,
        network: Network = None,
        protocol: Protocol = "retrain",
        seed: Seeds = "0",
        division: Division = "auto",
        split: Split = "test",
        limit: Limit = None,
        device: Device = "auto",
        data_root: DataRoot = None,
        jobs: Jobs = None,
        timeout: Timeout = None,
        memory_limit: MemoryLimit = None,
        fresh: Fresh = False,
        dry_run: DryRun = False,
        json: Json = False,
    ) -> None:
        from fusionbench.downstream.run import DownstreamOptions

        options = DownstreamOptions(
            task=task,  # type: ignore[arg-type]
            dataset=dataset,
            runs=tuple(runs or [Path("runs")]),
            split=split,
            method=comma_list(method or ""),
            network=network,
            protocol=protocol,  # type: ignore[arg-type]
            seeds=_seeds(seed),
            division=division,
            limit=limit,
            device=device,
            data_root=data_root,
            jobs=jobs,
            timeout=timeout,
            memory_limit=memory_limit,
            fresh=fresh,
            overrides=tuple(changes or ()),
        )
        carry_out(options, dry_run, json)

    verb.__doc__ = about
    app.command(task)(verb)


_register(
    "segment",
    """Train a network to segment on each row's images, and put IoU beside the rows' other scores.

    Exit code 0: all rows ok; 1: some row is not; 2: the request cannot be carried out; 130: interrupted.
    """,
)
_register(
    "detect",
    """Train a network to detect objects on each row's images, and put AP beside the rows' other scores.

    Exit code 0: all rows ok; 1: some row is not; 2: the request cannot be carried out; 130: interrupted.
    """,
)


def _seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(dict.fromkeys(int(part) for part in comma_list(text)))
    except ValueError:
        seeds = ()
    if not seeds or any(seed not in SEEDS for seed in seeds):
        raise RequestError(
            f"--seed '{text}' is not a list of seeds: write whole numbers from 0 to {SEEDS[-1]}, such as 0,1,2."
        )
    return seeds


def carry_out(options: DownstreamOptions, dry_run: bool, as_json: bool) -> None:
    """Run or, with ``dry_run``, plan the task, print the result, and exit with 0 if all units are ok, else with 1."""
    from fusionbench.cells.progress import RichReporter
    from fusionbench.downstream.run import downstream, plan_downstream

    if dry_run:
        _show_plan(plan_downstream(options), as_json)
        return
    result = downstream(options, RichReporter())
    _show(result, as_json)
    raise SystemExit(0 if result.ok else 1)


def carry_out_sweep(sweep: Sweep, runs: Sequence[RunOptions], dry_run: bool, as_json: bool) -> None:
    """Fuse the images of a sweep, train and test networks on them, print its tables, and exit as `carry_out` does."""
    from fusionbench.cells.progress import RichReporter
    from fusionbench.cli.running import carry_out as fuse
    from fusionbench.cli.running import tables_of
    from fusionbench.downstream.run import DownstreamResult, downstream
    from fusionbench.downstream.sweep import planned_steps, with_train_split
    from fusionbench.runs.run import execute
    from fusionbench.runs.sweep import row_order

    steps = planned_steps(sweep, runs)
    asked = with_train_split(sweep, runs, steps)
    if dry_run:
        fuse(asked, dry_run, as_json)
        if not as_json:
            print(*steps, sep="\n")
        raise SystemExit(0)
    reporter = RichReporter()
    fused = execute(asked, reporter)
    results = [downstream(step.options, reporter) for step in steps]
    records = [record for result in results for record in result.records]
    tables = tables_of(records, runs[0], sweep.table, row_order(sweep))
    _show(DownstreamResult([unit for result in results for unit in result.units]), as_json, tables)
    raise SystemExit(0 if fused.ok and all(result.ok for result in results) else 1)


def _show_plan(plan: DownstreamPlan, as_json: bool) -> None:
    from fusionbench.downstream.run import done

    states = [(unit, done(unit)) for unit in plan.units]
    if as_json:
        units = [
            {"method": unit.row.method, "seed": unit.seed, "id": unit.id, "done": state}
            for unit, state in states
        ]
        lacking = {row.method: row.lacks for row in plan.lacking}
        setting = plan.units[0].setting if plan.units else ""
        print_json({"units": units, "lacking": lacking, "setting": setting, "recipe": plan.network.identity})
        return
    for unit, state in states:
        print(f"{unit.label}  {'done' if state else 'left'}")
    for row in plan.lacking:
        print(f"{row.method}  left out: {row.lacks}")
    if plan.units:
        print(plan.units[0].setting)
    print(f"{len(states)} trainings, {sum(state for _, state in states)} done; nothing was run.")


def _show(result: DownstreamResult, as_json: bool, tables: list[Table] | None = None) -> None:
    from fusionbench.cli.running import show_tables
    from fusionbench.tables import to_json

    tables = task_tables(result.records) if tables is None else tables
    if as_json:
        print_json({"units": [_unit(unit) for unit in result.units], "tables": to_json(tables)})
        return
    show_tables(tables)


def _unit(unit: UnitResult) -> dict[str, object]:
    path = str(unit.path) if unit.path else None
    return {
        "method": unit.method,
        "seed": unit.seed,
        "status": unit.status,
        "detail": unit.detail,
        "path": path,
    }


def task_tables(records: list[dict[str, Any]]) -> list[Table]:
    """Return one table per data set with the scores of downstream tasks; none without such scores."""
    from fusionbench.cells.store import score_rows
    from fusionbench.metrics.tasks import task_cards
    from fusionbench.tables.board import build_tables

    rows = list(score_rows(records))
    metrics = list(task_cards(row.metric for row in rows))
    return build_tables(records, rows, metrics=metrics) if metrics else []
