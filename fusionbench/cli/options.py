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
        help="Methods, comma-separated: NAME, NAME@VARIANT, ./file.py[:Class], package.module:Class, images:DIR, images:DIR=NAME, "
        "or all, baselines, learned.",
    ),
]
Dataset = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="Data sets, comma-separated: names, ./folder or ./file.yaml of your own, a family (ir-vis, medical, "
        "sar-opt) or all.",
    ),
]
DataRoot = Annotated[
    str | None,
    typer.Option(help="Folder that holds the data sets.", envvar="FUSIONBENCH_DATA", show_default="data"),
]
Out = Annotated[Path, typer.Option(help="Folder for results.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
BatchSize = Annotated[int, typer.Option(help="Pairs fused at once.")]
TrainDataset = Annotated[
    str | None,
    typer.Option(help="Learn from this data set, for transfer.", show_default="the one that is fused"),
]
Jobs = Annotated[int | None, typer.Option(help="Cells at once.", show_default="1, or one a GPU")]
Shard = Annotated[
    str | None, typer.Option(metavar="I/N", help="Only part I of N of the cells, for a batch scheduler.")
]
Timeout = Annotated[
    float | None, typer.Option(metavar="S", help="Seconds a cell may take, its training not counted.")
]
MemoryLimit = Annotated[
    float | None, typer.Option(metavar="GIB", help="Memory a cell may take; needs no privileges.")
]
Executor = Annotated[str, typer.Option(help="local, or ray for a Ray cluster.")]
Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster, HOST:PORT or auto.", show_default="one started on this machine"),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget earlier results of these cells.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, print what is done and what is left, stop.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Configuration, e.g. args.levels=3 stages.fuse.epochs=10."),
]
