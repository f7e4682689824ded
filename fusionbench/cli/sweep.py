"""``fusionbench sweep``: many runs described by one file."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.downstream import carry_out_sweep as carry_out_downstream
from fusionbench.cli.options import OF_THE_MACHINE, RunArguments, takes_run_arguments
from fusionbench.cli.outcome import comma_list, resumable
from fusionbench.cli.running import carry_out

if TYPE_CHECKING:
    from fusionbench.runs.sweep import Sweep


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("sweep")(sweep)


@resumable
@takes_run_arguments
def sweep(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A YAML file, or the name of one that comes with fusionbench."),
    ],
    method: Annotated[str | None, typer.Option("--method", "-m", help="Instead of the file's.")] = None,
    also: Annotated[
        str | None, typer.Option(help="Methods in addition to the file's, such as images:DIR.")
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Instead of the file's.")] = None,
    noise: Annotated[
        str | None, typer.Option(help="Instead of the file's: gaussian,stripe=5 or a.stripe=5+b.gaussian=25.")
    ] = None,
    **arguments: Any,
) -> None:
    """Run every combination that a file under benchmarks/ describes, then print the tables. Resumes as `run` does.

    The exit codes are those of `run`.
    """
    from fusionbench.cells.planned import RunOptions
    from fusionbench.runs.sweep import expand, find_sweep, left_alone, read_sweep, row_order

    shared = RunArguments(**arguments)
    asked = read_sweep(find_sweep(file))
    lists = {
        "methods": method,
        "datasets": dataset,
        "train_datasets": shared.train_dataset,
        "metrics": shared.metrics,
        "noise": noise,
    }
    given: dict[str, Any] = {key: list(comma_list(text)) for key, text in lists.items() if text is not None}
    if also is not None:
        given["methods"] = [*given.get("methods", asked.methods), *comma_list(also)]
    given |= shared.given("split", "profile", "weights", "limit")
    final = _with(asked, given, shared)
    machine = {"train_within": None, **shared.given(*OF_THE_MACHINE)}
    common = RunOptions((), (), overrides=tuple(shared.overrides or ()), **machine)
    runs = expand(final, common)
    for sentence in left_alone(final):
        print(sentence, file=sys.stderr)
    if final.downstream is not None:
        carry_out_downstream(final, runs, shared.dry_run, shared.json)
    carry_out(runs, shared.dry_run, shared.json, final.table, row_order(final))


def _with(asked: Sweep, given: dict[str, Any], shared: RunArguments) -> Sweep:
    """Return the sweep with the values given on the command line, which win over the file's."""
    table = replace(asked.table, metrics=None) if "metrics" in given else asked.table
    return replace(
        asked,
        **given,
        table=table,
        seeds=asked.seeds if shared.seed is None else [shared.seed],
        train=asked.train and not shared.no_train,
        baselines=asked.baselines and not shared.no_baselines,
    )
