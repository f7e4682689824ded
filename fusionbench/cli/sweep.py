"""``fusionbench sweep``: many runs from one file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.downstream import carry_out_sweep as carry_out_downstream
from fusionbench.cli.options import (
    Address,
    BatchSize,
    DataRoot,
    Device,
    DryRun,
    Executor,
    Fresh,
    Jobs,
    Json,
    MemoryLimit,
    Out,
    Overrides,
    Shard,
    Timeout,
    TrainDataset,
)
from fusionbench.cli.outcome import comma_list, guarded
from fusionbench.cli.running import carry_out

if TYPE_CHECKING:
    from fusionbench.runs.sweep import Sweep


def register(app: typer.Typer) -> None:
    app.command("sweep")(sweep)


@guarded
def sweep(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A YAML file, or the name of one that comes along.")
    ],
    overrides: Overrides = None,
    method: Annotated[str | None, typer.Option("--method", "-m", help="Instead of the file's.")] = None,
    also: Annotated[str | None, typer.Option(help="Methods beside the file's, such as images:DIR.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Instead of the file's.")] = None,
    split: Annotated[str | None, typer.Option(help="Instead of the file's.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Instead of the file's.")] = None,
    profile: Annotated[str | None, typer.Option(help="Instead of the file's.")] = None,
    train_dataset: TrainDataset = None,
    noise: Annotated[
        str | None, typer.Option(help="Instead of the file's: gaussian,stripe=5 or a.stripe=5+b.gaussian=25.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Instead of the file's.")] = None,
    no_train: Annotated[bool, typer.Option("--no-train", help="Never train.")] = False,
    train_within: Annotated[
        float | None,
        typer.Option(metavar="MIN", help="Train only where it takes at most this many minutes."),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the file's seeds.")] = None,
    device: Device = "auto",
    batch_size: BatchSize = 1,
    data_root: DataRoot = None,
    out: Out = Path("runs"),
    jobs: Jobs = None,
    shard: Shard = None,
    timeout: Timeout = None,
    memory_limit: MemoryLimit = None,
    executor: Executor = "local",
    address: Address = None,
    fresh: Fresh = False,
    no_baselines: Annotated[bool, typer.Option("--no-baselines", help="Leave them out.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Run every combination that a file under benchmarks/ names, then print the tables. Resumes as `run` does.

    Exit codes as those of `run`.
    """
    from fusionbench.runs.run import RunOptions
    from fusionbench.runs.sweep import expand, find_sweep, left_alone, read_sweep, row_order

    asked = read_sweep(find_sweep(file))
    lists = {
        "methods": method,
        "datasets": dataset,
        "train_datasets": train_dataset,
        "metrics": metrics,
        "noise": noise,
    }
    given: dict[str, Any] = {key: list(comma_list(text)) for key, text in lists.items() if text is not None}
    if also is not None:
        given["methods"] = [*given.get("methods", asked.methods), *comma_list(also)]
    values = {"split": split, "profile": profile, "weights": weights, "limit": limit}
    given |= {key: value for key, value in values.items() if value is not None}
    common = RunOptions(
        method=(),
        dataset=(),
        device=device,
        train_within=train_within,
        batch_size=batch_size,
        data_root=data_root,
        out=out,
        jobs=jobs,
        shard=shard,
        timeout=timeout,
        memory_limit=memory_limit,
        executor=executor,
        address=address,
        fresh=fresh,
        overrides=tuple(overrides or ()),
    )
    final = _with(asked, given, seed, no_train, no_baselines)
    runs = expand(final, common)
    for sentence in left_alone(final):
        print(sentence, file=sys.stderr)
    if final.downstream is not None:
        carry_out_downstream(final, runs, dry_run, json)
    carry_out(runs, dry_run, json, final.table, row_order(final))


def _with(asked: Sweep, given: dict[str, Any], seed: int | None, no_train: bool, bare: bool) -> Sweep:
    """Let what was given on the command line win over the file."""
    table = replace(asked.table, metrics=None) if "metrics" in given else asked.table
    return replace(
        asked,
        **given,
        table=table,
        seeds=asked.seeds if seed is None else [seed],
        train=asked.train and not no_train,
        baselines=asked.baselines and not bare,
    )
