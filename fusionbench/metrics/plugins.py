"""Metrics of installed packages: read from the source of their modules, checked, and refused if names clash."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, get_args, get_type_hints

from fusionbench.errors import PluginError
from fusionbench.metrics.learned.weight_files import KNOWN
from fusionbench.metrics.own_files import is_file, version_of
from fusionbench.metrics.registry import (
    CANONICAL,
    Definition,
    Entry,
    KnownMetrics,
    MetricCard,
    canonical_definition,
    marks,
)
from fusionbench.providers import Provider, module_file
from fusionbench.spelling import folded

NAME = re.compile(r"[A-Za-z][\w\-]*")
PLANES = get_args(get_type_hints(MetricCard)["planes"])
SETS = ("default", "all")  # accepted by --metrics besides names, so no metric may have these names


def with_plugins(
    own_cards: Mapping[str, MetricCard],
    own_entries: Mapping[str, dict[str, Entry]],
    providers: Iterable[Provider],
) -> KnownMetrics:
    """Return the built-in metrics, whose names cannot be taken, and those of all providers.

    An error in one provider does not affect the others.
    """
    cards: dict[str, MetricCard] = {}
    entries: dict[str, dict[str, Entry]] = {}
    problems: dict[Provider, str] = {}
    claims: dict[str, list[str]] = {folded(name): ["fusionbench itself"] for name in own_cards}
    others: list[tuple[Provider, Entry]] = []
    # several entry points of a package may name one module
    for provider in {(provider.package, provider.module): provider for provider in providers}.values():
        try:
            marked = list(_entries(provider)) or _none(provider)
        except Exception as error:  # the source of a third party can be wrong in any way
            problems[provider] = _unreadable(provider, error)
            continue
        for card, entry in marked:
            if card is None:
                others.append((provider, entry))
                continue
            claims.setdefault(folded(card.name), []).append(str(provider))
            cards[card.name] = card
            entries[card.name] = {CANONICAL: entry}
    rivals = {
        name: f"Metric '{name}' has two providers, {' and '.join(claimants)}: uninstall or rename one."
        for name, claimants in claims.items()
        if len(claimants) > 1
    }
    for name in [name for name in cards if folded(name) in rivals]:
        del cards[name], entries[name]
    for provider, entry in others:
        if problem := _add_definition(entries, provider, entry):
            problems[provider] = problem
    return KnownMetrics({**own_cards, **cards}, {**own_entries, **entries}, problems, rivals)


def _none(provider: Provider) -> NoReturn:
    ast.parse(module_file(provider.module).read_text(encoding="utf-8"))
    raise PluginError("it holds no function marked @metric(...)")


def _entries(provider: Provider) -> Iterator[tuple[MetricCard | None, Entry]]:
    for mark, facts, function in marks(module_file(provider.module)):
        if mark == "metric":
            card = checked(MetricCard(**_tuples(facts)))
            card = (
                replace(card, version=version_of(Path(provider.module))) if is_file(provider.module) else card
            )
            yield card, Entry(canonical_definition(card), provider.module, function)
        else:
            yield None, Entry(Definition(**facts), provider.module, function)


def _tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}


def checked(card: MetricCard) -> MetricCard:
    """Return the card. Raises PluginError for values that would otherwise cause an error later and elsewhere."""
    if not isinstance(card.name, str) or not NAME.fullmatch(card.name) or card.name.lower() in SETS:
        raise PluginError(
            f"metric name {card.name!r} is not usable: begin with a letter, then letters, digits, - or _"
        )
    if card.better not in ("higher", "lower"):
        raise PluginError(f"{card.name}: better is {card.better!r}: write 'higher' or 'lower'")
    if card.planes not in PLANES:
        raise PluginError(f"{card.name}: planes is {card.planes!r}: write one of {', '.join(PLANES)}")
    if card.per != "image":
        raise PluginError(f"{card.name}: per is {card.per!r}: metrics of other packages are of single images")
    if strange := [name for name in card.weights if name not in KNOWN]:
        raise PluginError(
            f"{card.name}: weights names {strange[0]!r}, which `weights list` does not have: let the metric find its own files"
        )
    if not isinstance(card.xfail, dict) or not all(isinstance(x, str) for x in chain(*card.xfail.items())):
        raise PluginError(f"{card.name}: xfail is {card.xfail!r}: write {{'CHECK': 'the reason'}}")
    bounds = [bound for bound in card.range if bound is not None]
    if (
        len(card.range) != 2
        or any(type(bound) not in (int, float) for bound in bounds)
        or bounds != sorted(bounds)
    ):
        raise PluginError(f"{card.name}: range is {card.range!r}: write (lowest, highest), None for no bound")
    for key in ("version", "digits", "smallest"):
        if type(getattr(card, key)) is not int or getattr(card, key) < 1:
            raise PluginError(f"{card.name}: {key} is {getattr(card, key)!r}: write a whole number from 1")
    return card


def _unreadable(provider: Provider, error: Exception) -> str:
    reason = (
        str(error).rstrip(".;: ") if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
    )
    remedy = "fix it" if is_file(provider.module) else f"fix or uninstall {provider.package}"
    return f"Metrics of {provider} cannot be read: {reason}; {remedy}."


def _add_definition(entries: dict[str, dict[str, Entry]], provider: Provider, entry: Entry) -> str | None:
    """Add a further definition to a package's metric, or return why it cannot be; built-in metrics accept none."""
    name = entry.definition.metric
    known = entries.get(name)
    if known is None or entry.definition.name in known:
        what = "is there already" if known else "belongs to no metric of a package"
        return (
            f"Definition '{entry.definition.name}' of {name} by {provider} {what}: rename it or its metric."
        )
    known[entry.definition.name] = entry
    return None


def import_function(entry: Entry) -> Any:
    """Import and return the function of an entry. Raises PluginError if that fails."""
    name = entry.definition.metric
    try:
        module = _load(Path(entry.module)) if is_file(entry.module) else import_module(entry.module)
        return getattr(module, entry.function)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"Metric '{name}' cannot be imported: {type(error).__name__}: {error}; fix {entry.module} or install "
            "what it needs."
        ) from error


def _load(path: Path) -> ModuleType:
    """Import a local file as a module whose name has the file's version, so that an edited file is imported again."""
    module_spec = spec_from_file_location(f"fusionbench_metrics_{path.stem}_{version_of(path)}", path)
    if module_spec is None or module_spec.loader is None:
        raise PluginError(f"'{path}' is not a Python file")
    module = module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


def contained(entry: Entry, function: Any) -> Any:
    """Return the function wrapped so that its exceptions and wrong results become PluginError."""

    def call(triple: Any) -> Any:
        try:
            return require_outcome(entry, function(triple), len(triple.fused.levels))
        except PluginError:
            raise
        except Exception as error:  # a plug-in can raise anything
            raise PluginError(
                f"Metric '{entry.definition.metric}' raised {type(error).__name__}: {error}; fix {entry.module}."
            ) from error

    call.card = getattr(function, "card", None)  # type: ignore[attr-defined]
    return call


def require_outcome(entry: Entry, outcome: Any, batch: int) -> Any:
    """Return the outcome. Raises PluginError unless it is an Outcome with one float64 value per image."""
    # compared as text, because this module does not import torch
    values = getattr(outcome, "values", None)
    returned = f"{getattr(values, 'dtype', type(outcome).__name__)} {list(getattr(values, 'shape', []))}"
    if returned != f"torch.float64 [{batch}]":
        raise PluginError(
            f"Metric '{entry.definition.metric}' returned {returned} for a batch of {batch}: return Outcome(values) "
            f"with values in float64 [{batch}]; fix {entry.module}."
        )
    return outcome
