"""``fusionbench pack`` and ``verify``: write a paper's numbers to one file, and check such a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import DataRoot, Json
from fusionbench.cli.outcome import guarded, print_json
from fusionbench.errors import RequestError


def register(app: typer.Typer) -> None:
    """Add both verbs to the application."""
    app.command("pack")(pack)
    app.command("verify")(verify)


@guarded
def pack(
    runs: Annotated[list[Path] | None, typer.Argument(help="Runs folders.", show_default="runs")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .zip.", show_default=False)
    ] = ...,  # type: ignore[assignment]
    images: Annotated[
        bool,
        typer.Option(
            "--images", help="Also include the fused images and the predictions of downstream tasks."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Write records, scores, tables, requests, versions and hashes of runs to one file that others can verify."""
    from fusionbench.bundle.pack import pack as write

    if output.suffix.lower() != ".zip":
        raise RequestError(f"'{output}' is no .zip file: give the bundle that suffix.")
    done = write(runs or [Path("runs")], output, images)
    if json:
        print_json(asdict(done) | {"file": str(output)})
        return
    what = f"{done.images} images" if images else "hashes of the images"
    print(
        f"{output}: {done.cells} cells with {what}, {done.size / 1e6:.1f} MB. `fusionbench verify {output}` checks it."
    )


@guarded
def verify(
    bundle: Annotated[Path, typer.Argument(help="A file that `fusionbench pack` wrote.")],
    data_root: DataRoot = None,
    sample: Annotated[int, typer.Option(help="Images of each cell to fuse and score again.", min=0)] = 2,
    json: Json = False,
) -> None:
    """Check a bundle and say what could not be checked; if the data are present, compute a sample again.

    Exit code 0: nothing is wrong; 1: something is; 2: the file cannot be read.
    """
    from fusionbench.bundle.verify import verify as check

    findings = check(bundle, data_root, sample)
    wrong = any(finding.level == "wrong" for finding in findings)
    if json:
        print_json({"wrong": wrong, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            print(f"{finding.level:<9}  {finding.what}: {finding.detail}")
    raise SystemExit(1 if wrong else 0)
