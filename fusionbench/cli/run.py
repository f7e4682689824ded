"""``fusionbench run``: images and scores for methods on data sets, then the table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import (
    Address,
    BatchSize,
    DataRoot,
    Dataset,
    Device,
    DryRun,
    Executor,
    Fresh,
    Jobs,
    Json,
    MemoryLimit,
    Method,
    Out,
    Overrides,
    Seed,
    Shard,
    Timeout,
    TrainDataset,
)
from fusionbench.cli.outcome import comma_list, guarded
from fusionbench.cli.running import carry_out


def register(app: typer.Typer) -> None:
    app.command("run")(run)


@guarded
def run(
    method: Method,
    dataset: Dataset,
    overrides: Overrides = None,
    split: Annotated[str, typer.Option(help="Which split to fuse.")] = "test",
    metrics: Annotated[
        str | None,
        typer.Option(help="Metrics, comma-separated, or all.", show_default="the ten of the field"),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Whose definitions of the metrics, see `list profiles`.")
    ] = "canonical",
    train_dataset: TrainDataset = None,
    weights: Annotated[str, typer.Option(help="auto, trained, latest, random or a file.")] = "auto",
    no_train: Annotated[
        bool, typer.Option("--no-train", help="Never train; a method without weights is unavailable.")
    ] = False,
    train_within: Annotated[
        float, typer.Option(metavar="MIN", help="Train only where it takes at most this many minutes.")
    ] = 60,
    noise: Annotated[
        str,
        typer.Option(
            help="Added to the sources before fusing: gaussian=25, or a.stripe=5,b.gaussian=25 (variances)."
        ),
    ] = "none",
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs.")] = None,
    seed: Seed = 0,
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
    no_baselines: Annotated[
        bool, typer.Option("--no-baselines", help="Leave the trivial baselines out.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Fuse and score pairs, then print the leaderboard. Resumes where an earlier call stopped.

    Exit code 0: all cells ok; 1: some cell is not, or a metric that was asked for is unavailable for want of its
    weights; 2: the request cannot be carried out; 130: interrupted.
    """
    from fusionbench.runs.run import RunOptions

    options = RunOptions(
        method=comma_list(method),
        dataset=comma_list(dataset),
        split=split,
        metrics=metrics,
        profile=profile,
        weights=weights,
        no_train=no_train,
        train_within=train_within,
        train_dataset=train_dataset,
        noise=noise,
        limit=limit,
        seed=seed,
        device=device,
        batch_size=batch_size,
        data_root=data_root,
        out=out,
        fresh=fresh,
        jobs=jobs,
        shard=shard,
        timeout=timeout,
        memory_limit=memory_limit,
        executor=executor,
        address=address,
        baselines=not no_baselines,
        overrides=tuple(overrides or ()),
    )
    carry_out([options], dry_run, json)
