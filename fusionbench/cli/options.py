"""Command-line options that several verbs share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from fusionbench.types import SEEDS

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
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0, max=SEEDS[-1])]
BatchSize = Annotated[
    str, typer.Option(help="Pairs fused at once, or auto: as many as a GPU's memory allows.")
]
TrainDataset = Annotated[
    str | None,
    typer.Option(help="Learn from this data set, for transfer.", show_default="the one that is fused"),
]
Jobs = Annotated[int | None, typer.Option(help="Cells at once.", show_default="1, or one per GPU")]
Shard = Annotated[
    str | None, typer.Option(metavar="I/N", help="Only part I of N of the cells, for a batch scheduler.")
]
Timeout = Annotated[
    float | None, typer.Option(metavar="S", help="Seconds that a cell may take, not counting training.")
]
MemoryLimit = Annotated[
    float | None, typer.Option(metavar="GIB", help="Memory that a cell may take; needs no privileges.")
]
Executor = Annotated[str, typer.Option(help="local, or ray for a Ray cluster.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Discard earlier results of these cells.")]
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


@dataclass(frozen=True)
class RunArguments:
    """The options that `run` and `sweep` share; `takes_run_arguments` adds them to a verb.

    The names are those of RunOptions. None means that an option was not given: `run` then takes the default of
    RunOptions, `sweep` the value in its file.
    """

    overrides: Overrides = None
    split: Annotated[
        str | None, typer.Option(help="Which split to fuse.", show_default="test, or the sweep's")
    ] = None
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Metrics, comma-separated, or all.", show_default="the ten of the field, or the sweep's"
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile with the metrics' definitions, see `list profiles`.",
            show_default="canonical, or the sweep's",
        ),
    ] = None
    train_dataset: TrainDataset = None
    weights: Annotated[
        str | None,
        typer.Option(help="auto, trained, latest, random or a file.", show_default="auto, or the sweep's"),
    ] = None
    no_train: Annotated[
        bool, typer.Option("--no-train", help="Never train; a method without weights is unavailable.")
    ] = False
    train_within: Annotated[
        float | None,
        typer.Option(
            metavar="MIN",
            help="Train only if it takes at most this many minutes.",
            show_default="60, in a sweep no limit",
        ),
    ] = None
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs.")] = None
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random.", show_default="0, or the sweep's")
    ] = None
    device: Device = "auto"
    batch_size: BatchSize = "1"
    data_root: DataRoot = None
    out: Out = Path("runs")
    jobs: Jobs = None
    shard: Shard = None
    timeout: Timeout = None
    memory_limit: MemoryLimit = None
    executor: Executor = "local"
    fresh: Fresh = False
    no_baselines: Annotated[bool, typer.Option("--no-baselines", help="Leave the trivial baselines out.")] = (
        False
    )
    dry_run: DryRun = False
    json: Json = False

    def given(self, *names: str) -> dict[str, Any]:
        """Return those of the named arguments that were given."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


# options that a sweep's file cannot set
OF_THE_MACHINE = (
    "train_within", "device", "batch_size", "data_root", "out", "jobs", "shard", "timeout", "memory_limit", "executor",
    "fresh",
)  # fmt: skip


def takes_run_arguments(verb: Callable[..., None]) -> Callable[..., None]:
    """Return the verb with its last parameter, ``**arguments``, declared as keyword parameters for RunArguments' fields.

    Typer derives options from a function's signature and annotations, so both are rewritten.
    """
    hints = inspect.get_annotations(RunArguments, eval_str=True)
    *own, _ = inspect.signature(verb, eval_str=True).parameters.values()
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(RunArguments)
    ]
    verb.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    verb.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
    return verb
