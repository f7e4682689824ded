"""``fusionbench new``: the files that a plug-in of one's own begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json

app = typer.Typer(help="Begin a plug-in of your own.", no_args_is_help=True)


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
    """Write a method that passes the contract suite, trains and runs as it is; nothing is overwritten."""
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
        *([] if single_file else [f"pip install -e {place}"]),
        *_next(place if single_file else name),
    ]:
        print(f"  {command}")


def _next(reference: str) -> list[str]:
    return [
        f"fusionbench check {reference}",
        f"fusionbench train --method {reference} --dataset demo",
        f"fusionbench run --method {reference},refinefuse,laplacian_pyramid --dataset demo",
        "fusionbench table runs -o table.tex",
    ]
