"""``fusionbench info NAME``: the content of a card or catalog entry."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json
from fusionbench.errors import PluginError, UnknownNameError
from fusionbench.spelling import folded

if TYPE_CHECKING:
    from fusionbench.metrics import Definition


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("info")(info)


@guarded
def info(
    name: Annotated[
        str,
        typer.Argument(
            help="A method, data set, metric or profile (profile:NAME if a method has the same name; method:, metric: and "
            "dataset: as for check), or a file of a method or metric."
        ),
    ],
    json: Json = False,
) -> None:
    """Show what is known about a method, data set, metric or profile: source, layout, licence, open points."""
    kind, document = describe(name)
    if json:
        print_json({"entry": kind, **document})
        return
    import yaml

    entry = _bibtex(kind, document)
    print(f"# {kind} {name}")
    print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110).rstrip())
    if entry:
        print(f"\n{entry.rstrip()}")


def _bibtex(kind: str, document: dict[str, Any]) -> str:
    """Remove BibTeX from the facts, where YAML would quote it, and return it ready to be pasted."""
    from fusionbench.tables.bibliography import metric_entry, split_entries

    if kind == "metric":
        return metric_entry(document.get("doi") or "")
    key = {"method": "bibtex", "data set": "citation"}.get(kind, "")
    entries = list(split_entries(document.get(key) or ""))
    if entries:
        del document[key]
    return "\n".join(entries)


def describe(name: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of a name and its facts. Raises UnknownNameError if no kind has the name.

    ``method:``, ``metric:`` and ``dataset:``, as `check` takes them, may stand before it.
    """
    from fusionbench.checks.subjects import KINDS
    from fusionbench.data.registry import datasets, problems
    from fusionbench.data.spec import canonical
    from fusionbench.metrics import cards, definitions, profiles
    from fusionbench.metrics.references import holds_metrics, metric_of
    from fusionbench.registry import methods as registry

    kind, _, named = name.partition(":")
    name = named if named and kind.lower() in KINDS else name
    own = metric_of(name) if holds_metrics(name) else name
    metrics = {folded(metric): metric for metric in cards()}
    if folded(own) in metrics:
        metric = metrics[folded(own)]
        texts = {key: _facts(value) for key, value in definitions(metric).items()}
        return "metric", {**_plain(asdict(cards()[metric])), "definitions": texts}
    data_name = canonical(name)
    if data_name in datasets():
        return "data set", _plain(asdict(datasets()[data_name]))
    reference = any(mark in name for mark in "@:./") and not name.startswith("profile:")
    if reference or folded(name) in registry.names():
        method = registry.spec(name)
        variants = {key: value.get("about", "") for key, value in method.known_variants().items()}
        return "method", {
            **_plain(asdict(method.card)),
            "variants": variants,
            "config": method.config().as_dict(),
            **({"config_by_training_set": method.training_sets()} if method.training_sets() else {}),
        }
    profile = canonical(name.lower().removeprefix("profile:"))
    if profile in profiles():
        return "profile", _plain(asdict(profiles()[profile]))
    if data_name in problems():
        raise PluginError(problems()[data_name])
    known = [*registry.names(), *datasets(), *cards(), *profiles()]
    raise UnknownNameError("method, data set, metric or profile", name, known)


def _facts(definition: Definition) -> dict[str, Any]:
    """Return text and source of a definition, with the profiles that use it."""
    from fusionbench.metrics import profiles

    users = [p.name for p in profiles().values() if p.metrics.get(definition.metric) == definition.name]
    facts = {"text": definition.text, "source": definition.source, "profiles": users}
    return {key: value for key, value in facts.items() if value}


def _plain(value: Any) -> Any:
    """Return the value with tuples as lists, so that YAML and JSON print them alike."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
