"""``fusionbench new``: write the first files of a plug-in."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json

app = typer.Typer(help="Begin a plug-in of your own.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the group of verbs to the application."""
    root.add_typer(app, name="new")


@app.callback()
def _kinds() -> None:
    """Begin a plug-in of your own."""


@app.command()
@guarded
def method(
    name: Annotated[str, typer.Argument(help="In snake_case; what runs and tables will call it.")],
    at: Annotated[Path, typer.Option(help="Folder to write into.")] = Path(),
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One file instead of a package to install.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a method that passes the contract suite, trains and runs unchanged; no file is overwritten."""
    from fusionbench.scaffold import new_method

    files = new_method(name, at, single_file)
    if json:
        print_json({"files": [str(path) for path in files]})
        return
    for path in files:
        print(path)
    place = (at / files[0].name if single_file else at / name).as_posix()
    place = place if at.is_absolute() else f"./{place}"
    print("\nNext:")
    for command in [
        *([] if single_file else [f"pip install -e {shlex.quote(place)}"]),
        *_next(place if single_file else name),
    ]:
        print(f"  {command}")


@app.command()
@guarded
def metric(
    name: Annotated[str, typer.Argument(help="In snake_case; the file's and the function's name.")],
    at: Annotated[Path, typer.Option(help="Folder to write into.")] = Path(),
    json: Json = False,
) -> None:
    """Write a file with a metric that works unchanged; no file is overwritten."""
    from fusionbench.scaffold import new_metric

    path = new_metric(name, at)
    reference = path.as_posix() if at.is_absolute() else f"./{path.as_posix()}"
    metrics = shlex.quote(f"EN,{reference}")
    _show(path, [f"fusionbench run --method average --dataset demo --metrics {metrics}"], json)


@app.command()
@guarded
def dataset(
    folder: Annotated[str, typer.Argument(help="Folder of your images, or a name.")],
    at: Annotated[
        Path | None, typer.Option(help="Folder to write into.", show_default="the folder of the images")
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(help="ir-vis, medical or sar-opt.", show_default="from the folders' names"),
    ] = None,
    json: Json = False,
) -> None:
    """Write the file that describes a data set, with the folders found in it; no file is overwritten."""
    from fusionbench.scaffold import new_dataset

    path = new_dataset(folder, at, family)
    reference = shlex.quote(path.as_posix() if path.is_absolute() else f"./{path.as_posix()}")
    _show(
        path,
        [f"fusionbench data verify {reference}", f"fusionbench run --method baselines --dataset {reference}"],
        json,
    )


def _show(path: Path, commands: list[str], json: bool) -> None:
    if json:
        print_json({"files": [str(path)]})
        return
    print(path)
    print("\nNext:")
    for command in commands:
        print(f"  {command}")


def _next(reference: str) -> list[str]:
    alone, methods = shlex.quote(reference), shlex.quote(f"{reference},refinefuse,laplacian_pyramid")
    return [
        f"fusionbench check {alone}",
        f"fusionbench train --method {alone} --dataset demo",
        f"fusionbench run --method {methods} --dataset demo",
        "fusionbench table runs -o table.tex",
    ]
