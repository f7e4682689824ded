"""The verbs by module, each with its line in ``--help``; a verb's options are declared once it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Verb(NamedTuple):
    """The module in ``fusionbench.cli`` that registers a verb, and the first sentence of the verb's help."""

    module: str
    line: str


VERBS = {
    "run": Verb("run", "Fuse and score pairs, then print the leaderboard."),
    "sweep": Verb(
        "sweep", "Run every combination that a file under benchmarks/ describes, then print the tables."
    ),
    "train": Verb(
        "train",
        "Train by the method's recipe; after an interruption the same command continues after the last complete epoch.",
    ),
    "fuse": Verb("fuse", "Fuse two images, or all images of equal name in two folders."),
    "score": Verb("score", "Score folders of fused images against their sources and print the means."),
    "table": Verb("table", "Print or write leaderboards from the records below one or more runs folders."),
    "stats": Verb(
        "stats",
        "Print statistics of the scores of single images: intervals, tests, ranks, agreement, stability, lessons.",
    ),
    "figure": Verb("figure", "Write a figure for a paper and print its caption."),
    "report": Verb(
        "report",
        "Write one HTML file that shows scores, intervals, ranks, images and provenance, and works offline.",
    ),
    "compare": Verb(
        "compare",
        "Compare the newest run of each method and split in two folders: identities, and each metric image by image.",
    ),
    "reported": Verb(
        "reported",
        "Print the numbers in papers' tables; with --against, beside the means of runs and whether both agree.",
    ),
    "pack": Verb(
        "pack",
        "Write records, scores, tables, requests, versions and hashes of runs to one file that others can verify.",
    ),
    "verify": Verb(
        "pack",
        "Check a bundle and say what could not be checked; if the data are present, compute a sample again.",
    ),
    "profile": Verb(
        "profile",
        "Print parameters, multiply-accumulates, latency and memory beside the numbers that papers print.",
    ),
    "info": Verb(
        "info",
        "Show what is known about a method, data set, metric or profile: source, layout, licence, open points.",
    ),
    "check": Verb(
        "check",
        "Check whether a method, metric or data set fulfils its contract; exit code 1 if it does not.",
    ),
    "doctor": Verb(
        "doctor",
        "Show versions, devices, data sets, methods, weights and folders; exit code 1 if something is broken.",
    ),
    "explain": Verb("explain", "Say where a number comes from."),
    "list": Verb("listing", "List methods, data sets, metrics, profiles or weights."),
    "data": Verb("data", "List, prepare and verify data sets on this machine."),
    "weights": Verb("weights", "List, verify, fetch and import weights."),
    "downstream": Verb("downstream", "Train and test a segmentation or detection network on fused images."),
    "new": Verb("new", "Begin a plug-in of your own."),
}


class Verbs(TyperGroup):
    """A group that knows its verbs' names and lines, and builds the command of that one which is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=verb.line) for name, verb in VERBS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, built(name) if name else None, rest


def built(name: str) -> Any:
    """Return the command of a verb, with all its options."""
    own = typer.Typer(rich_markup_mode=None)
    import_module(f"fusionbench.cli.{VERBS[name].module}").register(own)
    return typer.main.get_group(own).commands[name]
