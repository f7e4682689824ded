"""The common part of ``run`` and ``sweep``: show the plan, or carry it out and show the tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fusionbench.cli.outcome import print_json

if TYPE_CHECKING:
    from fusionbench.cells.planned import CellResult, RunOptions
    from fusionbench.runs.forecast import Forecast
    from fusionbench.tables.model import Table
    from fusionbench.tables.style import TableStyle


def carry_out(
    asked: Sequence[RunOptions],
    dry_run: bool,
    as_json: bool,
    style: TableStyle | None = None,
    order: Sequence[str] = (),
) -> None:
    """Carry out or, with ``dry_run``, plan the runs, print the result, and exit with 0 if all cells are ok, else with 1.

    ``style`` and ``order`` determine the tables, see `fusionbench.tables.layouts.lay_out`.
    """
    if dry_run:
        _show_plan(asked, as_json)
        return
    from fusionbench.cells.progress import RichReporter
    from fusionbench.runs.run import execute

    result = execute(asked, RichReporter())
    tables = tables_of(result.records(), asked[0], style, order)
    if as_json:
        from fusionbench.tables import to_json

        print_json({"cells": [_cell(cell) for cell in result.cells], "tables": to_json(tables)})
    else:
        if not result.worked:
            cells, done = len(result.cells), sum(cell.status == "ok" for cell in result.cells)
            which = f"to compute: all {cells}" if done == cells else f"was computed: {done} of {cells}"
            print(f"Nothing {which} cells were done already.", file=sys.stderr)
        show_tables(tables)
    raise SystemExit(0 if result.ok else 1)


def _show_plan(asked: Sequence[RunOptions], as_json: bool) -> None:
    from fusionbench.errors import PlanError
    from fusionbench.runs.forecast import forecast
    from fusionbench.runs.plan import wrong_arguments
    from fusionbench.runs.preview import opening, preview
    from fusionbench.runs.run import make_jobs, plan_all

    plans = plan_all(asked)
    print(opening(plans), file=sys.stderr)
    for sentence in dict.fromkeys(text for plan in plans for text in (*plan.broken, *plan.left_out)):
        print(f"Left out: {sentence}", file=sys.stderr)
    jobs = make_jobs(plans)
    if problems := wrong_arguments(job.planned for job in jobs):
        raise PlanError(problems)
    cells = forecast(jobs)
    if as_json:
        print_json({"cells": [_planned(cell) for cell in cells]})
        return
    for cell in cells:
        print(_line(cell))
    _, *sentences = preview(
        jobs, {cell.job.index for cell in cells if cell.done}
    )  # the first sentence is left out: the last line printed here says the same
    for sentence in sentences:
        print(sentence)
    done = sum(cell.done for cell in cells)
    known = [cell.seconds for cell in cells if cell.seconds is not None]
    left = len(cells) - done
    time = f", {_duration(sum(known))} for {len(known)} of them by earlier records" if known else ""
    print(f"{len(cells)} cells, {done} done, {left} left{time}; nothing was run.")


def _planned(cell: Forecast) -> dict[str, Any]:
    planned = cell.job.planned
    return {
        "dataset": planned.split.spec.name,
        "split": planned.split.name,
        "method": planned.name,
        "pairs": len(planned.split.pairs),
        "expected": planned.split.expected,
        "seed": cell.job.options.seed,
        "done": cell.done,
        "seconds": cell.seconds,
        "config": planned.config.as_dict(),
    }


def _line(cell: Forecast) -> str:
    split = cell.job.planned.split
    of = f" of {split.expected}" if split.expected else ""
    state = "done" if cell.done else "left"
    time = f", {_duration(cell.seconds)}" if cell.seconds is not None else ""
    return f"{split.spec.name}-{split.name}  {cell.job.planned.name}  {len(split.pairs)}{of} pairs  {state}{time}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def tables_of(
    records: list[dict[str, Any]], options: RunOptions, style: TableStyle | None, order: Sequence[str]
) -> list[Table]:
    """Return the tables; if the records do not fit a sweep's layout, report that and return one table per data set."""
    from fusionbench.cells.columns import StoredScores
    from fusionbench.errors import RequestError
    from fusionbench.metrics import resolve_profile
    from fusionbench.metrics.tasks import resolve_shown
    from fusionbench.tables.layouts import lay_out
    from fusionbench.tables.style import TableStyle

    profile = resolve_profile(options.profile)
    style = style or TableStyle()
    metrics = style.metrics or options.metrics
    style = replace(style, metrics=resolve_shown(metrics, profile))
    scores = StoredScores(records)
    facts: dict[str, Any] = {"profile": profile, "order": order, "notes": True}
    try:
        return lay_out(records, scores, style, **facts)
    except RequestError as error:
        print(f"Not laid out as '{style.layout}': {error}", file=sys.stderr)
        plain = replace(style, layout="single", arguments=[], title="")
        return lay_out(records, scores, plain, **facts)


def _cell(cell: CellResult) -> dict[str, Any]:
    return {
        "dataset": cell.planned.split.spec.name,
        "split": cell.planned.split.name,
        "method": cell.planned.name,
        "status": cell.status,
        "detail": cell.detail,
        "fused": cell.fused,
        "scored": cell.scored,
        "unavailable": cell.unavailable,
        "path": str(cell.path),
    }


def show_tables(tables: list[Any]) -> None:
    """Print tables with colours and lines on a terminal, as Markdown into a pipe or file."""
    if sys.stdout.isatty():
        from rich.console import Console

        from fusionbench.tables.formats.terminal import print_tables

        print_tables(tables, Console())
    else:
        from fusionbench.tables import render

        print(render(tables, "md"))
