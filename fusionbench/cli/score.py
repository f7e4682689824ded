"""``fusionbench score``: score fused images made by any program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import DataRoot, Json
from fusionbench.cli.outcome import guarded, print_json

if TYPE_CHECKING:
    from fusionbench.folders.scores import FolderScores


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("score")(score)


@guarded
def score(
    fused: Annotated[
        list[Path],
        typer.Option(
            metavar="DIR", help="Folder of fused images; repeat it for further methods on the same pairs."
        ),
    ],
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="The data set that the images were fused from.")
    ] = None,
    a: Annotated[
        Path | None,
        typer.Option("--a", metavar="DIR", help="Instead: folder of the sources a (infrared, MRI, SAR)."),
    ] = None,
    b: Annotated[
        Path | None,
        typer.Option(
            "--b", metavar="DIR", help="... and of the sources b (visible, PET, optical), of equal names."
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Name of the method, once for each --fused.",
            show_default="the folder's name",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Which split of the data set.", show_default="test")
    ] = None,
    data_root: DataRoot = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs.")] = None,
    metrics: Annotated[
        str | None,
        typer.Option(help="Metrics, comma-separated, or all.", show_default="the ten of the field"),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Profile with the metrics' definitions, see `list profiles`.")
    ] = "canonical",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File for the scores of every image: .csv, .json or .parquet.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pairs scored at the same time; memory grows with their number.",
            show_default="one per core",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Score folders of fused images against their sources and print the means.

    A file belongs to the pair whose name it has, regardless of its type (PNG, JPEG, BMP, TIFF); an addition that all
    files share is tolerated (00537D_fused.png, DSIFuse-00537D.png). Every pair needs an image; other files are named
    and left out. Images of 16 bits are rounded to 8, transparent ones are refused.

    --json: name, profile, pairs, files and {"means": {METRIC: value}, "images": {ID: {METRIC: value}},
    "status": {ID: {METRIC: "undefined: reason"}}}. A missing value is null and "status" gives the reason; a mean is null
    if one of its values is. "sets" has the metrics with one value for all images, with interval and setting. Several
    folders: one such document each in "runs".

    Exit code 0: all images are scored, undefined values included; 1: some image cannot be read or differs in size from
    its sources, or a metric is unavailable because its weights are missing; 2: the request cannot be carried out; 130:
    interrupted, nothing written.
    """
    try:
        results = _score(
            fused=tuple(fused), dataset=dataset, a=a, b=b, name=tuple(name or ()), split=split,
            data_root=data_root, limit=limit, metrics=metrics, profile=profile, output=output, jobs=jobs,
        )  # fmt: skip
    except KeyboardInterrupt:
        print("Interrupted. Nothing was written.", file=sys.stderr)
        raise SystemExit(130) from None
    try:
        if output is not None:
            _write(results, output)
    finally:  # also after an error: on a full disk the printed numbers are all that is left of the work
        _show(results, json)
    raise SystemExit(0 if all(result.ok for result in results) else 1)


def _score(**request: Any) -> list[FolderScores]:
    from fusionbench.cells.progress import RichReporter
    from fusionbench.folders.request import ScoreRequest
    from fusionbench.folders.scores import score_folders

    return score_folders(ScoreRequest(**request), RichReporter())


def _write(results: list[FolderScores], output: Path) -> None:
    from fusionbench.folders.scores import write_scores

    write_scores(results, output)


def _show(results: list[FolderScores], as_json: bool) -> None:
    from fusionbench.cli.running import show_tables
    from fusionbench.folders.scores import document_of
    from fusionbench.folders.table import folder_table

    if as_json:
        print_json(document_of(results))
    else:
        show_tables([folder_table(results)])
