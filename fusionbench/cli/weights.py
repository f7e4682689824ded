"""``fusionbench weights``: which weights methods have, whether they are whole, and how to add a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import Json, Overrides
from fusionbench.cli.outcome import guarded, print_json

if TYPE_CHECKING:
    from fusionbench.runner.known_weights import KnownWeights

app = typer.Typer(help="List, verify and import weights.", no_args_is_help=True)


@app.command("list")
@guarded
def list_(json: Json = False) -> None:
    """List the weights of every learned method: shipped, imported, and what is missing with what makes it."""
    from fusionbench.runner.known_weights import known_weights

    found = known_weights()
    if json:
        print_json([_document(entry) for entry in found])
        return
    for entry in found:
        remedy = f"`{entry.command}` makes them" if entry.command else ""
        print(_line(entry, entry.problem or ", ".join(filter(None, (entry.note, remedy)))))


@app.command()
@guarded
def verify(json: Json = False) -> None:
    """Compare every shipped and imported file with its SHA-256; exit code 1 if one differs."""
    from fusionbench.runner.known_weights import known_weights
    from fusionbench.runner.known_weights import verify as check

    found = [check(entry) for entry in known_weights() if entry.path or entry.problem]
    if json:
        print_json([_document(entry) for entry in found])
    else:
        for entry in found:
            print(_line(entry, entry.problem or "ok"))
        if not found:
            print("No method has weights here: `fusionbench weights list` says what makes them.")
    raise SystemExit(any(entry.problem for entry in found))


@app.command("import")
@guarded
def import_(
    file: Annotated[
        Path, typer.Argument(help="Safetensors, or a checkpoint (read without running its code).")
    ],
    method: Annotated[str, typer.Option("--method", "-m", help="One method, NAME or NAME@VARIANT.")],
    overrides: Overrides = None,
    family: Annotated[
        str | None, typer.Option(help="Family of images they are for.", show_default="all of the method")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What they are, in one sentence for captions.")] = None,
    sha256: Annotated[str | None, typer.Option(help="SHA-256 that their publisher states.")] = None,
    json: Json = False,
) -> None:
    """Register a file of weights for a method; `run` and `fuse` use it before what is shipped."""
    from fusionbench.runner.import_weights import ImportOptions, import_weights

    options = ImportOptions(method, family, title, sha256, tuple(overrides or ()))
    path = import_weights(file.expanduser(), options)
    if json:
        print_json({"weights": str(path), "about": str(path.with_suffix(".json"))})
        return
    print(path)


def _line(entry: KnownWeights, text: str) -> str:
    file = f"{entry.path.name} {str(entry.sha256)[:10]}" if entry.path else ""
    return f"{entry.method:<16} {', '.join(entry.families):<24} {entry.source:<12} {file:<36} {text}".rstrip()


def _document(entry: KnownWeights) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(entry) | {
        "families": list(entry.families),
        "path": str(entry.path) if entry.path else None,
        "bytes": entry.path.stat().st_size if entry.path and entry.path.is_file() else None,
    }
