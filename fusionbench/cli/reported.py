"""``fusionbench reported``: the numbers that papers print, alone or beside measured ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import comma_list, guarded, print_json
from fusionbench.errors import RequestError

if TYPE_CHECKING:
    from fusionbench.papers.printed import Number


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("reported")(reported)


@guarded
def reported(
    paper: Annotated[str | None, typer.Option("--paper", "-p", help="Papers, comma-separated.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Data sets.")] = None,
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Methods, by their printed or registered names.")
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Metrics, as printed.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="fusion, ablation, sensitivity, transfer, detection, segmentation, complexity.",
            show_default="all",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUNS", help="Runs folder to put beside the printed numbers; may be repeated."),
    ] = None,
    format: Annotated[str | None, typer.Option(help="md, csv, tex, html or json.", show_default="md")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    json: Json = False,
) -> None:
    """Print the numbers in papers' tables; with --against, beside the means of runs and whether both agree."""
    from fusionbench.papers.printed import select_numbers

    parts = {"papers": paper, "datasets": dataset, "methods": method, "metrics": metrics, "kinds": kind}
    numbers = select_numbers(**{name: comma_list(text or "") for name, text in parts.items()})
    wanted = (
        "json"
        if json
        else (format or (output.suffix.lstrip(".") if output and output.suffix else "md")).lower()
    )
    if against:
        _show_findings(numbers, against, wanted, output)
    else:
        _show_numbers(numbers, wanted, output)


def _show_numbers(numbers: Sequence[Number], format: str, output: Path | None) -> None:
    from fusionbench.papers.tables import render, to_json

    if format == "json" and output is None:
        print_json(to_json(numbers))
    else:
        _put(_json(to_json(numbers)) if format == "json" else render(numbers, format), output)


def _show_findings(numbers: Sequence[Number], runs: Sequence[Path], format: str, output: Path | None) -> None:
    from fusionbench.cells.store import read_records, score_rows
    from fusionbench.papers.against import reproductions
    from fusionbench.papers.rendering import render, to_json

    records = read_records(*runs)
    findings = reproductions(records, list(score_rows(records)), numbers)
    if not findings:
        raise RequestError(
            "No printed number belongs to a method, data set and metric of these runs: "
            "`fusionbench reported` shows what is printed."
        )
    if format == "json" and output is None:
        print_json(to_json(findings))
    else:
        _put(_json(to_json(findings)) if format == "json" else render(findings, format), output)


def _json(document: object) -> str:
    import json

    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _put(text: str, output: Path | None) -> None:
    from fusionbench.files import write_text

    if output is None:
        print(text.rstrip("\n"))
    else:
        write_text(output, text)
