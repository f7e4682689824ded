"""``fusionbench list``: all names. It reads cards only, so a broken plug-in cannot break it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json

app = typer.Typer(help="List methods, data sets, metrics, profiles or weights.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the group of verbs to the application."""
    root.add_typer(app, name="list")


@app.command()
@guarded
def methods(json: Json = False) -> None:
    """List methods with their families and variants."""
    from fusionbench.registry.methods import names

    rows = [_method(name) for name in names()]
    columns = ("name", "title", "kind", "families", "variants", "weights")
    _show(rows, columns, json)


def _method(name: str) -> dict[str, Any]:
    from fusionbench.registry.methods import spec

    try:
        method = spec(name)
        card = method.card
        return {
            "name": name,
            "title": card.title,
            "kind": card.kind,
            "families": list(card.families),
            "variants": list(method.known_variants()),
            "weights": list(card.weights),
            "doi": card.doi,
            "problem": None,
        }
    except Exception as error:  # cards and recipes of third parties can be wrong in any way
        return {
            "name": name,
            "title": f"broken: {error}",
            "kind": "",
            "families": [],
            "variants": [],
            "weights": [],
            "doi": None,
            "problem": str(error),
        }


@app.command()
@guarded
def datasets(json: Json = False) -> None:
    """List data sets with their families and splits."""
    from fusionbench.data.registry import datasets as catalog
    from fusionbench.data.registry import problems

    _warn(problems().values())
    rows = [
        {
            "name": d.name,
            "title": d.title,
            "family": d.family,
            "a": d.a,
            "b": d.b,
            "splits": {name: split.count for name, split in d.splits.items()},
            "folder": d.folder,
            "licence": d.licence,
            "url": d.url,
        }
        for d in catalog().values()
    ]
    _show(rows, ("name", "title", "family", "a", "b", "splits", "folder"), json)


@app.command()
@guarded
def metrics(json: Json = False) -> None:
    """List metrics with their direction, unit and convention."""
    from dataclasses import asdict

    from fusionbench.metrics import cards
    from fusionbench.metrics.registry import problems

    _warn(problems())
    _show(
        [asdict(card) for card in cards().values()],
        ("name", "title", "better", "unit", "range", "version"),
        json,
    )


@app.command()
@guarded
def profiles(json: Json = False) -> None:
    """List profiles: the metrics that each defines, by whose definitions, and what had to be assumed."""
    from fusionbench.metrics import profiles as known

    rows = [
        {
            "name": p.name,
            "title": p.title,
            "source": p.source,
            "gray": p.gray,
            "metrics": dict(p.metrics),
            "notes": list(p.notes),
            "undecided": dict(p.undecided),
        }
        for p in known().values()
    ]
    shown = rows if json else [row | {"metrics": list(row["metrics"])} for row in rows]
    _show(shown, ("name", "title", "metrics"), json)


def _warn(problems: Iterable[str]) -> None:
    """Print problems to standard error, so that the list on standard output stays complete and readable by programs."""
    for problem in problems:
        print(f"Warning: {problem}", file=sys.stderr)


def _show(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        lists = [row[column] for row in rows if isinstance(row[column], list)]
        widest = max((len(str(item)) + 1 for items in lists for item in items), default=None)
        table.add_column(column, no_wrap=column == "name", min_width=widest)  # no item is cut in two
    for row in rows:
        table.add_row(*(_text(row[column]) for column in columns))
    Console().print(table)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" if count else key for key, count in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@app.command()
@guarded
def weights(json: Json = False) -> None:
    """List weights, as `fusionbench weights list` does."""
    from fusionbench.cli.weights import list_

    list_(json)
