"""``fusionbench run``: fuse and score data sets by methods, then print the table."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fusionbench.cli.options import OF_THE_MACHINE, Dataset, Method, RunArguments, takes_run_arguments
from fusionbench.cli.outcome import comma_list, resumable
from fusionbench.cli.running import carry_out


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("run")(run)


@resumable
@takes_run_arguments
def run(
    method: Method,
    dataset: Dataset,
    noise: Annotated[
        str,
        typer.Option(
            help="Noise added to the sources before fusing: gaussian=25, or a.stripe=5,b.gaussian=25 (variances)."
        ),
    ] = "none",
    **arguments: Any,
) -> None:
    """Fuse and score pairs, then print the leaderboard. Resumes where an earlier call stopped.

    Exit code 0: all cells ok; 1: some cell is not, or a requested metric is unavailable because its weights are
    missing; 2: the request cannot be carried out; 130: interrupted.
    """
    from fusionbench.cells.planned import RunOptions

    shared = RunArguments(**arguments)
    asked = ("split", "metrics", "profile", "train_dataset", "weights", "no_train", "limit", "seed")
    options = RunOptions(
        method=comma_list(method),
        dataset=comma_list(dataset),
        noise=noise,
        baselines=not shared.no_baselines,
        overrides=tuple(shared.overrides or ()),
        **shared.given(*asked, *OF_THE_MACHINE),
    )
    carry_out([options], shared.dry_run, shared.json)
