"""``fusionbench compare``: the differences between two folders of runs, and whether they matter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("compare")(compare)


@guarded
def compare(
    a: Annotated[Path, typer.Argument(metavar="RUNS_A", help="Runs folder, or the folder of one run.")],
    b: Annotated[
        Path, typer.Argument(metavar="RUNS_B", help="Runs to compare with it; differences are B - A.")
    ],
    metrics: Annotated[
        str | None, typer.Option(help="Metrics, comma-separated.", show_default="all that are scored")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Profile with the metrics' definitions, see `list profiles`.")
    ] = "canonical",
    json: Json = False,
) -> None:
    """Compare the newest run of each method and split in two folders: identities, and each metric image by image."""
    from fusionbench.cells.store import read_records, score_rows
    from fusionbench.comparison.runs import compare_runs, to_json
    from fusionbench.metrics import resolve_profile
    from fusionbench.metrics.tasks import resolve_shown

    names = resolve_shown(metrics, profile) if metrics else None
    records = read_records(a), read_records(b)
    comparison = compare_runs(*records, score_rows, metrics=names, profile=resolve_profile(profile))
    if json:
        print_json(to_json(comparison))
    elif sys.stdout.isatty():
        from rich.console import Console

        from fusionbench.comparison.text import print_comparison

        print_comparison(comparison, Console())
    else:
        from fusionbench.comparison.text import render

        print(render(comparison))
