"""``fusionbench table``: leaderboards from records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import comma_list, guarded, print_json
from fusionbench.errors import RequestError


def register(app: typer.Typer) -> None:
    app.command("table")(table)


@guarded
def table(
    runs: Annotated[list[Path] | None, typer.Argument(help="Runs folders.", show_default="runs")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Only these data sets.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Metrics, comma-separated.")] = None,
    profile: Annotated[
        str, typer.Option(help="Whose definitions of the metrics, see `list profiles`.")
    ] = "canonical",
    format: Annotated[
        str | None, typer.Option(help="md, csv or tex.", show_default="by the terminal")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    reported: Annotated[
        bool, typer.Option("--with-reported", help="Put the numbers that papers print below, never ranked.")
    ] = False,
    json: Json = False,
) -> None:
    """Print or write leaderboards made from the records below one or more runs folders."""
    from fusionbench.cli.running import show_tables
    from fusionbench.files import write_text
    from fusionbench.metrics import resolve, resolve_profile
    from fusionbench.report import render, to_json
    from fusionbench.report.tables import build_tables
    from fusionbench.runner.store import read_records, score_rows

    records = _only(read_records(*(runs or [Path("runs")])), dataset)
    names = resolve(metrics, profile) if metrics else None
    tables = build_tables(records, score_rows(records), metrics=names, profile=resolve_profile(profile))
    if reported:
        from fusionbench.report.reported_rows import with_reported

        tables = [with_reported(table) for table in tables]
    if json:
        print_json(to_json(tables))
    elif output is not None:
        write_text(output, render(tables, format or output.suffix.lstrip(".")))
    elif format is not None:
        print(render(tables, format))
    else:
        show_tables(tables)


def _only(records: list[dict], datasets: str | None) -> list[dict]:
    if datasets is None:
        return records
    from fusionbench.data.spec import dataset

    wanted = {dataset(name).name for name in comma_list(datasets)}
    found = [record for record in records if record["dataset"]["name"] in wanted]
    if not found:
        here = ", ".join(sorted({record["dataset"]["name"] for record in records}))
        raise RequestError(f"No record of {', '.join(sorted(wanted))} there: the folders hold {here}.")
    return found
