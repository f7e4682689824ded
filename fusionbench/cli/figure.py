"""``fusionbench figure``: figures for papers from records and training logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from fusionbench.cli.options import DataRoot
from fusionbench.cli.outcome import comma_list, guarded
from fusionbench.errors import RequestError

if TYPE_CHECKING:
    from fusionbench.figures.networks.request import NetworkRequest
    from fusionbench.tables.board import Board

# options that only some kinds of figures use: an option without effect is reported as an error
RECORDS = ("curves", "lines", "ranks", "tradeoff", "agreement", "qualitative")
NETWORKS = ("features", "tsne")
ONLY = {
    "--images": ("qualitative", "features"),
    "--zoom": ("qualitative",),
    "--downstream": ("qualitative",),
    "--profile-json": ("tradeoff",),
    "--cost": ("tradeoff",),
    "--metrics": RECORDS,
    "--dataset": (*RECORDS, *NETWORKS),
    "--split": (*RECORDS, *NETWORKS),
    "--method": (*RECORDS, *NETWORKS),
    "--over": ("lines",),
    "--unsorted": ("curves",),
    "--sample": ("curves", "tsne"),
    "--layers": NETWORKS,
    "--weights": NETWORKS,
}


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("figure")(figure)


@guarded
def figure(
    kind: Annotated[
        str,
        typer.Argument(
            help="qualitative, curves, lines, ranks, tradeoff or agreement, of runs; training or cosine, of trainings; "
            "features or tsne, of a network."
        ),
    ],
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Runs folders; of trainings for training and cosine.", show_default="runs"),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .pdf, .svg or .png.", show_default=False)
    ] = cast(Path, ...),  # required; Python allows no parameter without default after one with
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Only these data sets or families.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Only these methods, comma-separated.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics, comma-separated.", show_default="all that are scored")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Profile with the metrics' definitions, see `list profiles`.")
    ] = "canonical",
    width: Annotated[str, typer.Option(help="one or two columns, or inches.")] = "two",
    caption: Annotated[bool, typer.Option(help="Draw the caption under the figure.")] = True,
    images: Annotated[
        str | None, typer.Option(help="Image ids, comma-separated.", show_default="the most disputed two")
    ] = None,
    zoom: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W,H", help="Box to enlarge, repeatable.", show_default="the most disputed two"
        ),
    ] = None,
    downstream: Annotated[
        str | None,
        typer.Option(
            help="Draw the predictions of networks over the images: segment or detect.", show_default=False
        ),
    ] = None,
    data_root: DataRoot = None,
    profile_json: Annotated[
        Path | None, typer.Option(help="What `fusionbench profile --json` printed.")
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(help="latency, params, macs, memory or seconds.", show_default="latency or seconds"),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(help="Arguments or kinds of noise, comma-separated.", show_default="all that vary"),
    ] = None,
    unsorted: Annotated[
        bool | None, typer.Option("--unsorted", help="Scores image by image.", show_default=False)
    ] = None,
    sample: Annotated[int | None, typer.Option(help="Draw N pairs at random.", show_default="all")] = None,
    layers: Annotated[
        str | None,
        typer.Option(help="Layers or groups of the card, or modules.", show_default="those of the card"),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="auto, random or a file.", show_default="auto")] = None,
) -> None:
    """Write a figure for a paper and print its caption."""
    from fusionbench.figures import FROM_LOGS, check_kind, write_figure
    from fusionbench.figures.costs import read_profile
    from fusionbench.figures.drawing import check_suffix
    from fusionbench.figures.options import Options, parse_box
    from fusionbench.figures.style import parse_width

    check_kind(kind)
    crisp = check_suffix(output) != ".png"
    given = {"--images": images, "--zoom": zoom, "--downstream": downstream, "--profile-json": profile_json, "--cost": cost, "--metrics": metrics,
             "--dataset": dataset, "--split": split, "--method": method, "--over": over,
             "--unsorted": unsorted, "--sample": sample, "--layers": layers, "--weights": weights}  # fmt: skip
    _check_options(kind, given)
    options = Options(
        width=parse_width(width),
        caption=caption,
        metrics=_metrics(metrics, profile),
        images=comma_list(images or ""),
        zooms=tuple(map(parse_box, zoom or ())),
        data_root=data_root,
        measured=read_profile(profile_json) if profile_json else None,
        costs=comma_list(cost or ""),
        crisp=crisp,
        downstream=downstream,
        over=comma_list(over or ""),
        unsorted=bool(unsorted),
        sample=sample,
    )
    folders = runs or [Path("runs")]
    if kind in NETWORKS:
        print(write_figure(kind, _network_request(given, folders), options, output))
        return
    if kind in FROM_LOGS:
        print(write_figure(kind, folders, options, output))
        return
    boards = _boards(folders, options.metrics, profile, given)
    print(write_figure(kind, boards, options, output))


def _check_options(kind: str, given: Mapping[str, Any]) -> None:
    for option, kinds in ONLY.items():
        if given[option] is not None and kind not in kinds:
            raise RequestError(f"{option} does nothing for a figure of {kind}: it is for {', '.join(kinds)}.")


def _network_request(given: Mapping[str, Any], folders: Sequence[Path]) -> NetworkRequest:
    from fusionbench.figures.networks.request import NetworkRequest

    if given["--method"] is None or given["--dataset"] is None:
        raise RequestError("A figure of a network needs --method NAME and --dataset NAME.")
    return NetworkRequest(
        methods=tuple(comma_list(given["--method"])),
        dataset=given["--dataset"],
        split=given["--split"] or "test",
        layers=tuple(comma_list(given["--layers"] or "")),
        weights=given["--weights"] or "auto",
        out=folders[0],
    )


def _metrics(text: str | None, profile: str) -> tuple[str, ...] | None:
    from fusionbench.metrics.tasks import resolve_shown

    return tuple(resolve_shown(text, profile)) if text else None


def _boards(
    folders: Sequence[Path], metrics: Sequence[str] | None, profile: str, given: Mapping[str, Any]
) -> list[Board]:
    """Return boards of the chosen records below the folders."""
    from fusionbench.cells.store import read_records, score_rows
    from fusionbench.metrics import resolve_profile
    from fusionbench.tables.board import build_boards
    from fusionbench.tables.row_choice import select_records

    datasets, methods = (
        None if text is None else comma_list(text) for text in (given["--dataset"], given["--method"])
    )
    records = select_records(read_records(*folders), datasets, methods, given["--split"])
    return build_boards(records, score_rows(records), metrics=metrics, profile=resolve_profile(profile))
