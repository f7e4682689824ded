"""``fusionbench train``: train a method on the train split of data sets."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import DataRoot, Device, Json, Out, Overrides, Seed
from fusionbench.cli.outcome import print_json, resumable
from fusionbench.errors import FusionbenchError, PluginError, in_one_line


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("train")(train)


@resumable
def train(
    method: Annotated[str, typer.Option("--method", "-m", help="One method, NAME or NAME@VARIANT.")],
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="A data set, or several as A,B,C: names or YAML files.")
    ],
    overrides: Overrides = None,
    split: Annotated[str, typer.Option(help="Which split to train on.")] = "train",
    limit: Annotated[int | None, typer.Option(help="Only the first N pairs of each.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    data_root: DataRoot = None,
    out: Out = Path("runs"),
    json: Json = False,
) -> None:
    """Train by the method's recipe; after an interruption the same command continues after the last complete epoch."""
    from fusionbench.data.training_data import find_training_data
    from fusionbench.devices import pick_device
    from fusionbench.files import check_writable
    from fusionbench.registry.methods import spec
    from fusionbench.training.fit import FitOptions
    from fusionbench.training.fit import train as fit
    from fusionbench.training.training_folder import training_folder

    method_spec = spec(method)
    pairs = find_training_data(dataset, split, data_root, limit)
    config = method_spec.config(tuple(overrides or ()), pairs.name)
    check_writable(out)
    pick_device(device)
    options = FitOptions(seed, device)
    done_before = training_folder(method_spec, config, pairs, seed, out).finished
    try:
        folder = fit(method_spec, config, pairs, out, options)
    except (FusionbenchError, OSError):
        raise
    except Exception as error:  # a method can raise anything
        traceback.print_exception(error)
        raise PluginError(f"Training of '{method_spec.name}' failed: {in_one_line(error)}") from error
    # ddp runs this command once per device; only the first process prints
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return
    if json:
        print_json(
            {"weights": str(folder.weights), "folder": str(folder.path), "trained_before": done_before}
        )
        return
    if done_before:
        print("Nothing to train: this training was finished before.", file=sys.stderr)
    print(folder.weights)
