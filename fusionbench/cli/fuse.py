"""``fusionbench fuse``: fuse two images or two folders without a data set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import Device, Overrides, Seed
from fusionbench.cli.outcome import guarded
from fusionbench.errors import ImageError


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("fuse")(fuse)


@guarded
def fuse(
    a: Annotated[Path, typer.Argument(help="One-channel source (infrared, SAR, MRI): an image or a folder.")],
    b: Annotated[
        Path,
        typer.Argument(help="Source whose colour is kept (visible, optical, PET): an image or a folder."),
    ],
    method: Annotated[str, typer.Option("--method", "-m", help="One method.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Fused image (PNG), or a folder for folders.")
    ],
    overrides: Overrides = None,
    family: Annotated[str, typer.Option(help="Family of the images; chooses the weights.")] = "ir-vis",
    weights: Annotated[str, typer.Option(help="auto (imported, else shipped), random or a file.")] = "auto",
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Fuse two images, or all images of equal name in two folders.

    Exit code 0: all are fused; 1: some are not; 2: none is, or the request cannot be carried out; 130: interrupted.
    """
    from fusionbench.cells.progress import RichReporter
    from fusionbench.folders.fuse_files import FileOptions, fuse_files

    options = FileOptions(method, family, weights, device, seed, tuple(overrides or ()))
    fused = failed = 0
    for outcome in fuse_files(a, b, output, options, RichReporter()):
        if isinstance(outcome, ImageError):
            failed += 1
            print(f"Error: {outcome}", file=sys.stderr)
        else:
            fused += 1
            print(outcome)
    if failed:
        raise SystemExit(1 if fused else 2)
