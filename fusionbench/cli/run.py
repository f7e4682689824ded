"""``fusionbench run``: images and scores for methods on data sets, then the table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import DataRoot, Dataset, Device, Json, Method, Out, Overrides, Seed
from fusionbench.cli.outcome import comma_list, guarded, print_json

if TYPE_CHECKING:
    from fusionbench.runner.run import RunOptions, RunResult


def register(app: typer.Typer) -> None:
    app.command("run")(run)


@guarded
def run(
    method: Method,
    dataset: Dataset,
    overrides: Overrides = None,
    split: Annotated[str, typer.Option(help="Which split to fuse.")] = "test",
    metrics: Annotated[
        str | None,
        typer.Option(help="Metrics, comma-separated, or all.", show_default="the ten of the field"),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Whose definitions of the metrics, see `list profiles`.")
    ] = "canonical",
    train_dataset: Annotated[
        str | None,
        typer.Option(help="Learn from this data set instead, for transfer.", show_default="the one fused"),
    ] = None,
    weights: Annotated[str, typer.Option(help="auto, random or a file.")] = "auto",
    no_train: Annotated[
        bool, typer.Option("--no-train", help="Never train; a method without weights is unavailable.")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    batch_size: Annotated[int, typer.Option(help="Pairs fused at once.")] = 1,
    data_root: DataRoot = None,
    out: Out = Path("runs"),
    jobs: Annotated[int | None, typer.Option(help="Cells at once.", show_default="1, or one a GPU")] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds a cell may take, its training not counted.")
    ] = None,
    memory_limit: Annotated[float | None, typer.Option(help="GiB of memory a cell may take.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier results of these cells.")] = False,
    no_baselines: Annotated[
        bool, typer.Option("--no-baselines", help="Leave the trivial baselines out.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the plan, stop.")
    ] = False,
    json: Json = False,
) -> None:
    """Fuse and score pairs, then print the leaderboard. Resumes where an earlier call stopped.

    Exit code 0: all cells ok; 1: some cell is not; 2: the request cannot be carried out; 130: interrupted.
    """
    from fusionbench.runner.progress import RichReporter
    from fusionbench.runner.run import RunOptions, execute

    options = RunOptions(
        method=comma_list(method),
        dataset=comma_list(dataset),
        split=split,
        metrics=metrics,
        profile=profile,
        weights=weights,
        no_train=no_train,
        train_dataset=train_dataset,
        limit=limit,
        seed=seed,
        device=device,
        batch_size=batch_size,
        data_root=data_root,
        out=out,
        fresh=fresh,
        jobs=jobs,
        timeout=timeout,
        memory_limit=memory_limit,
        baselines=not no_baselines,
        overrides=tuple(overrides or ()),
    )
    if dry_run:
        _show_plan(options, json)
        return
    result = execute(options, RichReporter())
    _show_result(result, options, json)
    raise SystemExit(0 if result.ok else 1)


def _show_plan(options: RunOptions, as_json: bool) -> None:
    from fusionbench.runner.arguments import wrong_arguments
    from fusionbench.runner.plan import PlanError
    from fusionbench.runner.run import plan_run

    plan = plan_run(options)
    if problems := wrong_arguments(plan.cells):
        raise PlanError(problems)
    cells = [
        {
            "dataset": c.split.spec.name,
            "split": c.split.name,
            "method": c.method.name,
            "pairs": len(c.split.pairs),
            "expected": c.split.expected,
            "config": c.config.as_dict(),
        }
        for c in plan.cells
    ]
    if as_json:
        print_json({"cells": cells})
        return
    for cell in cells:
        of = f" of {cell['expected']}" if cell["expected"] else ""
        print(f"{cell['dataset']}-{cell['split']}  {cell['method']}  {cell['pairs']}{of} pairs")
    print(f"{len(cells)} cells; nothing was run.")


def _show_result(result: RunResult, options: RunOptions, as_json: bool) -> None:
    from fusionbench.metrics import resolve, resolve_profile
    from fusionbench.report.tables import build_tables
    from fusionbench.runner.store import scores_of

    records = result.records()
    tables = build_tables(
        records,
        scores_of(records),
        metrics=resolve(options.metrics, options.profile),
        profile=resolve_profile(options.profile),
    )
    if as_json:
        from fusionbench.report import to_json

        print_json({"cells": [_cell(c) for c in result.cells], "tables": to_json(tables)})
        return
    if not result.worked:
        print(f"Nothing to compute: all {len(result.cells)} cells were done already.", file=sys.stderr)
    show_tables(tables)


def _cell(cell: Any) -> dict[str, Any]:
    return {
        "dataset": cell.planned.split.spec.name,
        "split": cell.planned.split.name,
        "method": cell.planned.method.name,
        "status": cell.status,
        "detail": cell.detail,
        "fused": cell.fused,
        "scored": cell.scored,
        "path": str(cell.path),
    }


def show_tables(tables: list[Any]) -> None:
    """Print tables for a person on a terminal, as Markdown into a pipe or file."""
    if sys.stdout.isatty():
        from rich.console import Console

        from fusionbench.report.terminal import print_tables

        print_tables(tables, Console())
    else:
        from fusionbench.report import render

        print(render(tables, "md"))
