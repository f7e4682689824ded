"""``fusionbench info NAME``: everything a card or catalog entry says."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json
from fusionbench.errors import UnknownNameError


def register(app: typer.Typer) -> None:
    app.command("info")(info)


@guarded
def info(
    name: Annotated[str, typer.Argument(help="A method, data set or metric.")], json: Json = False
) -> None:
    """Show what is known of a method, data set or metric: source, layout, licence, open points."""
    kind, document = describe(name)
    if json:
        print_json({"entry": kind, **document})
        return
    import yaml

    print(f"# {kind} {name}")
    print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110).rstrip())


def describe(name: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of a name and its facts. Raises UnknownNameError over all kinds."""
    from fusionbench import registry
    from fusionbench.data.spec import datasets
    from fusionbench.metrics import cards

    metrics = {metric.lower(): metric for metric in cards()}
    if name.lower() in metrics:
        return "metric", _plain(asdict(cards()[metrics[name.lower()]]))
    data_name = name.lower().replace("_", "-")
    if data_name in datasets():
        return "data set", _plain(asdict(datasets()[data_name]))
    if any(mark in name for mark in "@:./") or registry.plain(name) in registry.names():
        found = registry.spec(name)
        variants = {key: value.get("about", "") for key, value in found.known_variants().items()}
        return "method", {
            **_plain(asdict(found.card)),
            "variants": variants,
            "config": found.config().as_dict(),
        }
    raise UnknownNameError("method, data set or metric", name, [*registry.names(), *datasets(), *cards()])


def _plain(value: Any) -> Any:
    """Turn tuples into lists, so that YAML and JSON print them alike."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
