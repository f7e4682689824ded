"""``fusionbench stats``: intervals, tests, ranks, agreement and stability of a leaderboard."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import comma_list, guarded, print_json
from fusionbench.errors import RequestError

if TYPE_CHECKING:
    from fusionbench.statistics.summary import Summary

FORMATS = ("md", "csv", "json")


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("stats")(stats)


@guarded
def stats(
    runs: Annotated[list[Path] | None, typer.Argument(help="Runs folders.", show_default="runs")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Only these data sets or families.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics, comma-separated.", show_default="all that are scored")
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            help="Profile with the metrics' definitions; other scored profiles are compared with it."
        ),
    ] = "canonical",
    level: Annotated[float, typer.Option(help="Level of intervals; tests use 1 - level.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and of random halves.", min=0)] = 0,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Let trivial baselines compete.")
    ] = True,
    format: Annotated[
        str | None, typer.Option(help="md, csv or json.", show_default="by the terminal")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    json: Json = False,
) -> None:
    """Print statistics of the scores of single images: intervals, tests, ranks, agreement, stability, lessons."""
    from fusionbench.metrics import resolve_profile
    from fusionbench.metrics.tasks import resolve_shown
    from fusionbench.statistics.gather import summaries

    if not 0 < level < 1:
        raise RequestError(f"--level {level:g} is not a share: give one between 0 and 1, such as 0.95.")
    wanted = "json" if json else format or (output.suffix.lstrip(".") if output else None)
    if wanted is not None and wanted.lower() not in FORMATS:
        raise RequestError(f"Statistics cannot be written as '{wanted}': use one of {', '.join(FORMATS)}.")
    results = summaries(
        runs or [Path("runs")],
        datasets=None if dataset is None else comma_list(dataset),
        metrics=resolve_shown(metrics, profile) if metrics else None,
        profile=resolve_profile(profile),
        level=level,
        seed=seed,
        baselines=baselines,
    )
    _show(results, wanted and wanted.lower(), output)


def _show(results: Sequence[Summary], format: str | None, output: Path | None) -> None:
    from fusionbench.files import write_json, write_text
    from fusionbench.statistics.document import to_csv, to_json
    from fusionbench.statistics.sections import print_statistics, render

    if format == "json":
        print_json(to_json(results)) if output is None else write_json(output, to_json(results))
    elif output is not None or format is not None or not sys.stdout.isatty():
        text = to_csv(results) if format == "csv" else render(results)
        print(text.rstrip("\n")) if output is None else write_text(output, text)
    else:
        from rich.console import Console

        print_statistics(results, Console())
