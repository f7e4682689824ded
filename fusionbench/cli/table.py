"""``fusionbench table``: print or write leaderboards from records."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import comma_list, guarded, print_json
from fusionbench.errors import RequestError

if TYPE_CHECKING:
    from fusionbench.tables.model import Table
    from fusionbench.tables.style import TableStyle


class Asked(NamedTuple):
    """The settings for tables in a sweep's file."""

    style: TableStyle
    profile: str = "canonical"
    datasets: tuple[str, ...] = ()
    order: tuple[str, ...] = ()


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("table")(table)


@guarded
def table(
    runs: Annotated[list[Path] | None, typer.Argument(help="Runs folders.", show_default="runs")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Only these data sets or families, in this order.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics in the order of the columns, comma-separated.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile with the metrics' definitions, see `list profiles`.", show_default="canonical"
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="single, datasets (side by side), ablation, transfer, sensitivity or noise.",
            show_default="single",
        ),
    ] = None,
    argument: Annotated[
        str | None,
        typer.Option(
            help="Arguments that a sensitivity table varies.", show_default="each number that varies"
        ),
    ] = None,
    spread: Annotated[
        str | None, typer.Option(help="none, sd, or ci (95 % bootstrap interval).", show_default="none")
    ] = None,
    significance: Annotated[
        bool, typer.Option("--significance", help="Mark what is not significantly worse than the best.")
    ] = False,
    ranks: Annotated[bool, typer.Option("--ranks", help="Add the mean rank over the metrics.")] = False,
    digits: Annotated[
        str | None, typer.Option(help="Decimals: N, or METRIC=N,...", show_default="by the metric")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Heading.", show_default="by the data")] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="FILE", help="Use the layout of this sweep; other options win.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="md, csv, tex or html.", show_default="by the terminal")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods", "-m", help="Only these rows, in this order; `baselines` are the trivial ones."
        ),
    ] = None,
    order: Annotated[str | None, typer.Option(help="Rows that come first, in this order.")] = None,
    ours: Annotated[str, typer.Option(metavar="NAME", help="Mark this row as ours and put it last.")] = "",
    no_baselines: Annotated[
        bool, typer.Option("--no-baselines", help="Leave the trivial baselines out.")
    ] = False,
    pairs: Annotated[int | None, typer.Option(metavar="N", help="Only runs on N pairs.")] = None,
    with_reported: Annotated[
        bool, typer.Option("--with-reported", help="Add the numbers that papers print below, never ranked.")
    ] = False,
    reported: Annotated[
        str | None,
        typer.Option(metavar="PAPER[/METHOD],...", help="Only these printed rows; implies --with-reported."),
    ] = None,
    notes: Annotated[
        bool | None,
        typer.Option(
            "--notes/--no-notes", help="Add notes on what is easily misread.", show_default="not in LaTeX"
        ),
    ] = None,
    text_width: Annotated[
        float,
        typer.Option(metavar="PT", help="Width of the text that a LaTeX table has to fit, \\the\\textwidth."),
    ] = 452,
    bib: Annotated[
        Path | None, typer.Option(metavar="FILE.bib", help="Write BibTeX of methods, data sets and metrics.")
    ] = None,
    cite: Annotated[bool, typer.Option("--cite", help="Cite the methods, in LaTeX.")] = False,
    json: Json = False,
) -> None:
    """Print or write leaderboards from the records below one or more runs folders."""
    from fusionbench.cells.columns import StoredScores, no_score_of
    from fusionbench.cells.intact import check_records
    from fusionbench.cells.store import read_records
    from fusionbench.metrics import resolve_profile
    from fusionbench.tables.layouts import lay_out
    from fusionbench.tables.row_choice import RowChoice, arrange, choose_rows, select_records
    from fusionbench.tables.style import read_digits

    if not 0 < text_width < math.inf:  # NaN, too, is refused
        raise RequestError(f"--text-width must be more than 0; got {text_width:g}.")
    form = _format(format, output, json)
    if cite and form != "tex":
        raise RequestError("--cite makes \\cite of LaTeX: add --format tex.")
    asked = _asked(sweep)
    names = comma_list(dataset) if dataset is not None else asked.datasets
    choice = RowChoice(
        comma_list(methods or ""), comma_list(order or ""), ours.strip(), not no_baselines, pairs
    )
    records, hidden = choose_rows(
        select_records(read_records(*(runs or [Path("runs")])), names or None), choice
    )
    check_records(records)
    chosen = resolve_profile(profile or asked.profile)
    given: dict[str, Any] = {
        "layout": layout,
        "spread": spread,
        "title": title,
        "significance": significance or None,
        "ranks": ranks or None,
        "digits": read_digits(comma_list(digits)) if digits is not None else None,
        "metrics": [*comma_list(metrics)] if metrics is not None else None,
        "arguments": [*comma_list(argument)] if argument is not None else None,
    }
    style = _style(asked, chosen, {key: value for key, value in given.items() if value is not None})
    told = notes if notes is not None else form != "tex"
    scores = StoredScores(records)
    tables = lay_out(records, scores, style, profile=chosen, order=[*names, *asked.order], notes=told)
    held = scores.profiles
    if held and chosen not in held and not any(table.columns for table in tables):
        raise no_score_of(chosen, held)
    tables = [arrange(table, choice) for table in tables]
    if hidden:
        tables = [table.saying(hidden, "") for table in tables]
    if with_reported or reported is not None:
        tables = _with_reported(tables, style.layout, comma_list(reported or ""))
    if bib is not None or cite:
        tables = _cited(tables, records, bib, cite)
    _show(tables, form, output, json, {"width": text_width} if form == "tex" else {})


def _asked(sweep: str | None) -> Asked:
    """Return the settings in the sweep's file, or the defaults without one."""
    from fusionbench.tables.style import TableStyle

    if sweep is None:
        return Asked(TableStyle())
    from fusionbench.runs.sweep import find_sweep, read_sweep, row_order

    read = read_sweep(find_sweep(sweep))
    style = replace(read.table, metrics=read.table.metrics or read.metrics)
    return Asked(style, read.profile, tuple(read.datasets), tuple(row_order(read)))


def _format(format: str | None, output: Path | None, json: bool) -> str | None:
    """Return the format, None for printing by terminal or pipe. Raises RequestError for an unknown or missing one."""
    from fusionbench.tables import FORMATS

    if json and output is not None:
        raise RequestError("--json is printed: leave --output out, or write to a file with `>`.")
    if format is not None:
        form = format.lower()
    elif output is not None:
        form = output.suffix.lstrip(".").lower()
    else:
        return None
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        if form or format is not None:
            raise RequestError(f"Tables cannot be written as '{form}': use one of {known}.")
        raise RequestError(
            f"'{output}' does not say its format: end its name in one of {known}, or add --format."
        )
    return form


def _style(asked: Asked, profile: str, given: dict[str, Any]) -> TableStyle:
    """Return the style with options winning over the sweep's file, and metrics spelled as in their cards."""
    from fusionbench.metrics.tasks import resolve_shown
    from fusionbench.tables.style import check_style

    style = check_style(replace(asked.style, **given))
    return replace(
        style, metrics=resolve_shown(style.metrics, profile) if style.metrics is not None else None
    )


def _with_reported(tables: list[Table], layout: str, only: Sequence[str]) -> list[Table]:
    from fusionbench.papers.tables import read_choice, with_reported

    if layout != "single":
        raise RequestError(
            f"--with-reported puts printed rows below those of one data set, not into '{layout}': leave one out."
        )
    wanted = read_choice(only)
    return [with_reported(table, wanted) for table in tables]


def _cited(tables: list[Table], records: Sequence[dict], bib: Path | None, cite: bool) -> list[Table]:
    """Write the bibliography, report missing entries on standard error, and return the tables with citation keys."""
    from fusionbench.files import write_text
    from fusionbench.metrics import cards
    from fusionbench.tables.bibliography import bibliography, cited

    shown = [record for record in records if any(record["id"] in table.runs for table in tables)]
    metrics = [column.metric for table in tables for column in table.columns]
    works = bibliography(shown, metrics, cards())
    if bib is not None:
        write_text(bib, works.text())
    for what in works.missing:
        print(f"No BibTeX entry for {what}.", file=sys.stderr)
    return [cited(table, works) for table in tables] if cite else tables


def _show(
    tables: list[Table], format: str | None, output: Path | None, as_json: bool, options: dict[str, float]
) -> None:
    """Print or write the tables; LaTeX has a short caption, and the full one is in a file beside it or in comments."""
    from fusionbench.cli.running import show_tables
    from fusionbench.files import write_text
    from fusionbench.tables import render, to_json
    from fusionbench.tables.provenance import provenance_file, provenance_text

    if as_json:
        print_json(to_json(tables))
        return
    if format == "csv":  # CSV has no place for warnings
        for warning in dict.fromkeys(warning for table in tables for warning in table.warnings):
            print(f"Note: {warning}", file=sys.stderr)
    if output is not None:
        write_text(output, render(tables, format or "", **options))
        if format == "tex":
            write_text(provenance_file(output), provenance_text(tables, output.name))
            print(f"The full caption and the runs are in {provenance_file(output)}.", file=sys.stderr)
    elif format == "tex":
        facts = provenance_text(tables, "this table").splitlines()
        print("\n".join(f"% {line}".rstrip() for line in facts))
        print(render(tables, format, **options))
    elif format is not None:
        print(render(tables, format))
    else:
        show_tables(tables)
