"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Method = Annotated[
    str,
    typer.Option(
        "--method",
        "-m",
        help="Methods, comma-separated: NAME, NAME@VARIANT, ./file.py[:Class], package.module:Class, images:DIR, "
        "or all, baselines, learned.",
    ),
]
Dataset = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="Data sets, comma-separated: names, a family (ir-vis, medical, sar-opt) or all.",
    ),
]
DataRoot = Annotated[
    str | None,
    typer.Option(help="Folder that holds the data sets.", envvar="FUSIONBENCH_DATA", show_default="data"),
]
Out = Annotated[Path, typer.Option(help="Folder for results.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Configuration, e.g. args.levels=3 stages.fuse.epochs=10."),
]
