"""What metrics say of themselves: ``@metric`` and ``@definition`` mark functions; the marks are read without torch."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from fusionbench.errors import PluginError, UnknownNameError
from fusionbench.metrics.own_files import add_file, file_providers
from fusionbench.providers import METRICS, Provider, providers
from fusionbench.spelling import folded, spelled

if TYPE_CHECKING:
    from fusionbench.metrics.plugins import MetricPlugins

DEFAULT = ("EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIF", "Qabf", "SSIM")  # the set scored by default
CANONICAL = "canonical"
ROOMS = ("formulas", "learned")  # folders beside this file whose modules hold marked functions

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class MetricCard:
    """Facts about a metric.

    ``range`` holds the smallest and the largest value of the definition, None where there is no bound.
    ``convention`` says which of the definitions in use this is. ``per`` is what one value belongs to.
    ``version`` rises whenever values change, so that only this metric is scored again. ``digits`` are printed
    in tables. On images with a side below ``smallest`` pixels the metric is undefined. ``planes`` as in `Definition`.
    ``weights`` are the files that it needs, by their names in `fusionbench.metrics.learned.files`.
    ``symmetric`` claims that swapping a and b changes nothing. ``combined`` as in `Definition`.
    """

    name: str
    title: str
    better: Literal["higher", "lower"]
    unit: str
    range: tuple[float | None, float | None]
    convention: str
    doi: str
    per: Literal["image", "set"] = "image"
    version: int = 1
    digits: int = 4
    smallest: int = 1
    planes: Literal["mean", "side by side", "rgb"] = "mean"
    weights: tuple[str, ...] = ()
    symmetric: bool = False
    combined: Literal["", "sum", "mean"] = ""


@dataclass(frozen=True)
class Definition:
    """One of the computations that the field calls by a metric's name.

    ``text`` says what it does, and for other definitions than the canonical one what it does differently;
    ``source`` is the code or paper it reproduces. Images with a side below ``smallest`` pixels have no value.
    Where a profile scores color images channel by channel, ``planes`` says whether the channels' values are
    averaged or the channels are laid side by side; "rgb" is taken on red, green and blue at once, whatever the
    profile. ``version`` rises whenever values change. ``combined`` says how the values of both sources become one
    where a value belongs to two images: their sum or their mean; it is empty where one value is of all three images.
    """

    metric: str
    name: str
    text: str
    source: str = ""
    smallest: int = 1
    planes: Literal["mean", "side by side", "rgb"] = "mean"
    unit: str = ""
    version: int = 1
    combined: Literal["", "sum", "mean"] = ""


class Entry(NamedTuple):
    """A definition and the function that computes it."""

    definition: Definition
    module: str
    function: str


def metric(**facts: Any) -> Callable[[Function], Function]:
    """Mark a function as a metric's canonical definition; the keywords are those of `MetricCard`, as literals.

    The function takes a `Triple` and returns an `Outcome`, and stands in any module of this package, or in one that
    an installed package names under the entry-point group ``fusionbench.metrics``.
    """

    def mark(function: Function) -> Function:
        function.card = MetricCard(**facts)  # type: ignore[attr-defined]
        return function

    return mark


def definition(**facts: Any) -> Callable[[Function], Function]:
    """Mark a function as another definition of a metric; the keywords are those of `Definition`, as literals."""

    def mark(function: Function) -> Function:
        function.definition = Definition(**facts)  # type: ignore[attr-defined]
        return function

    return mark


def cards() -> dict[str, MetricCard]:
    """Return the card of every metric by name: the default set in its order, then the others, those of plug-ins last."""
    return dict(_cards_of(_providers()))


def card_of(metric: str) -> MetricCard:
    """Return the card of one metric. ``metric`` as in `cards`."""
    return _cards_of(_providers())[metric]


@cache
def _cards_of(providers: tuple[Provider, ...]) -> dict[str, MetricCard]:
    return {**_registered()[0], **_plugins_of(providers).cards}


def definitions(metric: str) -> dict[str, Definition]:
    """Return the definitions of a metric by their names, the canonical one first. ``metric`` as in `cards`."""
    return {name: entry.definition for name, entry in _entries(metric).items()}


def function_of(definition: Definition) -> Callable[..., Any]:
    """Import and return the function that computes a definition; another package's runs in a process of its own.

    Raises PluginError where it is another package's and cannot be imported; what it returns raises so, too.
    """
    entry = _entries(definition.metric)[definition.name]
    if definition.metric in _registered()[0]:
        return getattr(import_module(f"{__package__}.{entry.module}"), entry.function)
    from fusionbench.metrics.isolation import isolated  # torch, and only for these metrics

    return isolated(entry)


def provider_of(metric: str) -> str:
    """Return the module that a plug-in's metric stands in, "" for a built-in one. ``metric`` as in `cards`."""
    return "" if metric in _registered()[0] else _entries(metric)[CANONICAL].module


def problems() -> tuple[str, ...]:
    """Return a sentence for each package whose metrics cannot be read and for each name that two claim."""
    plugins = _plugins()
    return (*plugins.problems.values(), *plugins.rivals.values())


def rivals() -> dict[str, str]:
    """Return a sentence for each name that two packages claim, by the name as names are compared."""
    return dict(_plugins().rivals)


def metrics_of_file(reference: str) -> list[str]:
    """Make the metrics of a local file known, to processes that this one starts as well, and return their names.

    Raises PluginError for a file that is missing or cannot be read, and for names that are taken.
    """
    provider = add_file(Path(reference.strip()))
    plugins = _plugins()
    if provider in plugins.problems:
        raise PluginError(plugins.problems[provider])
    taken = [sentence for sentence in plugins.rivals.values() if str(provider) in sentence]
    if taken:
        raise PluginError(taken[0])
    return [name for name, entries in plugins.entries.items() if entries[CANONICAL].module == provider.module]


def metric_named(name: str) -> str:
    """Return a metric's name as its card spells it.

    Raises UnknownNameError, and PluginError where two packages claim the name.
    """
    plugins = _plugins()
    if folded(name) in plugins.rivals:
        raise PluginError(plugins.rivals[folded(name)])
    try:
        return spelled(name, cards(), "metric")
    except UnknownNameError as error:
        error.args = (" ".join([str(error), *plugins.problems.values()]),)
        raise


def _entries(metric: str) -> dict[str, Entry]:
    return _registered()[1].get(metric) or _plugins().entries[metric]


def _plugins() -> MetricPlugins:
    return _plugins_of(_providers())


def _providers() -> tuple[Provider, ...]:
    """Return who brings metrics: installed packages, then local files."""
    return (*providers(METRICS), *file_providers())


@cache
def _plugins_of(providers: tuple[Provider, ...]) -> MetricPlugins:
    from fusionbench.metrics.plugins import read_plugins  # it builds on this module

    return read_plugins(providers, _registered()[0])


@cache
def _registered() -> tuple[dict[str, MetricCard], dict[str, dict[str, Entry]]]:
    """Return cards by metric, and by metric and definition what computes it."""
    metrics: dict[str, MetricCard] = {}
    others: list[Entry] = []
    entries: dict[str, dict[str, Entry]] = {}
    home = Path(__file__).parent
    for path in sorted(path for room in ROOMS for path in (home / room).rglob("*.py")):
        module = ".".join(path.relative_to(home).with_suffix("").parts)
        for mark, facts, function in marks(path):
            if mark == "metric":
                card = MetricCard(**facts)
                metrics[card.name] = card
                entries[card.name] = {CANONICAL: Entry(canonical_definition(card), module, function)}
            else:
                others.append(Entry(Definition(**facts), module, function))
    for entry in others:
        entries[entry.definition.metric][entry.definition.name] = entry
    order = (*DEFAULT, *(name for name in metrics if name not in DEFAULT))
    return {name: metrics[name] for name in order}, entries


def canonical_definition(card: MetricCard) -> Definition:
    """Return what a card says as a definition."""
    return Definition(
        card.name,
        CANONICAL,
        card.convention,
        "",
        card.smallest,
        card.planes,
        card.unit,
        card.version,
        card.combined,
    )


def marks(path: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield kind, facts and function of each mark in a file, without running it."""
    text = path.read_text(encoding="utf-8")
    if "metric(" not in text and "definition(" not in text:  # spares parsing the modules that hold none
        return
    for node in ast.parse(text, str(path)).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            kind = ast.unparse(mark.func).rpartition(".")[2] if isinstance(mark, ast.Call) else ""
            if isinstance(mark, ast.Call) and kind in ("metric", "definition"):
                facts = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in mark.keywords}
                yield kind, facts, node.name
