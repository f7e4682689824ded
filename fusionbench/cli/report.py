"""``fusionbench report``: write one self-contained HTML page from records and images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import DataRoot
from fusionbench.cli.outcome import comma_list, guarded
from fusionbench.errors import RequestError


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("report")(report)


@guarded
def report(
    runs: Annotated[list[Path] | None, typer.Argument(help="Runs folders.", show_default="runs")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("report.html"),
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Only these data sets or families.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics, comma-separated.", show_default="all scored")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Profiles, comma-separated.", show_default="all scored")
    ] = None,
    data_root: DataRoot = None,
    images: Annotated[
        int | None, typer.Option(min=0, help="Image pairs embedded for each data set.", show_default="12")
    ] = None,
    max_mb: Annotated[
        float, typer.Option(min=0.05, help="Largest size of the file in MB (10^6 bytes).")
    ] = 15.0,
    title: Annotated[
        str | None, typer.Option(help="Heading of the page.", show_default="the data sets")
    ] = None,
) -> None:
    """Write one HTML file that shows scores, intervals, ranks, images and provenance, and works offline."""
    from fusionbench.cells.columns import StoredScores
    from fusionbench.cells.store import read_records
    from fusionbench.files import write_text
    from fusionbench.metrics import resolve_profile
    from fusionbench.report.document import PageOptions, make_page
    from fusionbench.report.groups import make_groups
    from fusionbench.tables.row_choice import select_records

    if output.suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"Reports cannot be written as '{output}': end its name in .html.")
    datasets = None if dataset is None else comma_list(dataset)
    records = select_records(read_records(*(runs or [Path("runs")])), datasets)
    profiles = None if profile is None else [resolve_profile(name) for name in comma_list(profile)]
    if profiles == []:
        raise RequestError(
            "No profile is asked for: name some of those that `fusionbench list profiles` shows."
        )
    groups = make_groups(records, StoredScores(records), metrics, profiles)
    page = make_page(groups, PageOptions(title, data_root, images, max_mb))
    write_text(output, page.text)
    print(f"{output} ({len(page.text.encode()) / 1e6:.1f} MB)")
    for group, note in zip(groups, page.notes, strict=True):
        print(f"{group.first.table.heading}: {note}")
