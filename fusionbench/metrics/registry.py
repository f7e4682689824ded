"""The registry of metrics: ``@metric`` and ``@definition`` mark functions, and the marks are read without torch."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from fusionbench.errors import PluginError, UnknownNameError
from fusionbench.metrics.own_files import add_file, file_providers
from fusionbench.providers import METRICS, Provider, providers
from fusionbench.spelling import folded, spelled

DEFAULT = ("EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIF", "Qabf", "SSIM")  # the set scored by default
CANONICAL = "canonical"
ROOMS = ("formulas", "learned")  # folders beside this file with the modules of marked functions

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class MetricCard:
    """The description of a metric and of its canonical definition.

    ``range`` has the smallest and the largest possible value, None if there is no bound. ``convention`` says which of the
    definitions in use is the canonical one. ``per`` says whether a value belongs to one image or to a set. ``version`` is
    raised whenever values change, so that only this metric is scored again. ``digits`` is the number of decimals in
    tables. The metric is undefined for images with a side below ``smallest`` pixels. ``weights`` are the files that it
    needs, by their names in `fusionbench.metrics.learned.weight_files`. ``symmetric`` states that exchanging a and b does not
    change the value. ``planes`` and ``combined`` are as in `Definition`. ``xfail`` gives, by contract check, the reason why the
    metric cannot pass it.
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
    xfail: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Definition:
    """One of the computations known in the field by a metric's name.

    ``text`` says what it computes or, for a definition other than the canonical one, how it differs from that.
    ``source`` is the code or paper that it reproduces. Images with a side below ``smallest`` pixels have no value.
    ``planes`` says, for profiles that score colour images channel by channel, whether the values of the channels are
    averaged or the channels are put side by side; "rgb" means that the metric always takes red, green and blue at once.
    ``version`` is raised whenever values change. ``combined`` says whether the value is the sum or the mean of one value
    for each source; it is empty if one value belongs to all three images.
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
    """A definition, and the module and name of the function that computes it."""

    definition: Definition
    module: str
    function: str


class KnownMetrics(NamedTuple):
    """The metrics that can be computed: their cards by name, and their entries by name and definition.

    ``problems`` has a sentence for each module that cannot be read, by provider; ``rivals`` has one for each name with
    two providers, by the name in the form of `folded`.
    """

    cards: Mapping[str, MetricCard]
    entries: Mapping[str, dict[str, Entry]]
    problems: Mapping[Provider, str]
    rivals: Mapping[str, str]


def metric(**facts: Any) -> Callable[[Function], Function]:
    """Mark a function as a metric's canonical definition; the keywords are the fields of `MetricCard`.

    The values must be literals, because they are read from the source without importing it. The function takes a
    `Triple` and returns an `Outcome`. It is defined in a module of ``metrics/formulas`` or ``metrics/learned``, or in one
    that an installed package names under the entry-point group ``fusionbench.metrics``.
    """

    def mark(function: Function) -> Function:
        function.card = MetricCard(**facts)  # type: ignore[attr-defined]
        return function

    return mark


def definition(**facts: Any) -> Callable[[Function], Function]:
    """Mark a function as a further definition of a metric; the keywords are the fields of `Definition`, as literals."""

    def mark(function: Function) -> Function:
        function.definition = Definition(**facts)  # type: ignore[attr-defined]
        return function

    return mark


def cards() -> dict[str, MetricCard]:
    """Return the card of every metric by name: the default set in its order, then the others, plug-ins last."""
    return dict(_known().cards)


def card_of(metric: str) -> MetricCard:
    """Return the card of a metric. Raises KeyError for a name that is not in `cards`."""
    return _known().cards[metric]


def has_network(metric: str) -> bool:
    """Return whether a metric runs a network, so that a GPU speeds it up. Raises KeyError as `card_of`."""
    return bool(card_of(metric).weights) or card_of(metric).per == "set"


def definitions(metric: str) -> dict[str, Definition]:
    """Return the definitions of a metric by name, the canonical one first. Raises KeyError as `card_of`."""
    return {name: entry.definition for name, entry in _known().entries[metric].items()}


def function_of(definition: Definition) -> Callable[..., Any]:
    """Return the function that computes a definition, imported on demand.

    A function of another package runs in a separate process; importing or calling it raises PluginError on errors.
    """
    entry = _known().entries[definition.metric][definition.name]
    if definition.metric in _built_in()[0]:
        return getattr(import_module(f"{__package__}.{entry.module}"), entry.function)
    from fusionbench.metrics.isolation import isolated  # torch, and only for these metrics

    return isolated(entry)


def provider_of(metric: str) -> str:
    """Return the module of a plug-in's metric, an empty text for a built-in one. Raises KeyError as `card_of`."""
    return "" if metric in _built_in()[0] else _known().entries[metric][CANONICAL].module


def problems() -> tuple[str, ...]:
    """Return a sentence for each package whose metrics cannot be read and for each name with two providers."""
    known = _known()
    return (*known.problems.values(), *known.rivals.values())


def rivals() -> dict[str, str]:
    """Return a sentence for each name with two providers, by the name in the form of `folded`."""
    return dict(_known().rivals)


def metrics_of_file(reference: str) -> list[str]:
    """Make the metrics of a local file known, in child processes too, and return their names.

    Raises PluginError for a file that is missing or cannot be read, and for names that are taken.
    """
    provider = add_file(Path(reference.strip()))
    known = _known()
    if provider in known.problems:
        raise PluginError(known.problems[provider])
    taken = [sentence for sentence in known.rivals.values() if str(provider) in sentence]
    if taken:
        raise PluginError(taken[0])
    return [name for name, entries in known.entries.items() if entries[CANONICAL].module == provider.module]


def metric_named(name: str) -> str:
    """Return a metric's name as its card spells it.

    Raises UnknownNameError for an unknown name, and PluginError for a name with two providers.
    """
    known = _known()
    if folded(name) in known.rivals:
        raise PluginError(known.rivals[folded(name)])
    try:
        return spelled(name, known.cards, "metric")
    except UnknownNameError as error:
        error.args = (" ".join([str(error), *known.problems.values()]),)
        raise


def _known() -> KnownMetrics:
    """Return the built-in metrics, those of installed packages and those of local files, as they are at this moment."""
    return _known_from((*providers(METRICS), *file_providers()))


@cache
def _known_from(providers: tuple[Provider, ...]) -> KnownMetrics:
    from fusionbench.metrics.plugins import with_plugins  # it builds on this module

    return with_plugins(*_built_in(), providers)


@cache
def _built_in() -> tuple[dict[str, MetricCard], dict[str, dict[str, Entry]]]:
    """Return the built-in cards by metric, and the entries by metric and definition."""
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
    """Return the canonical definition that a card describes."""
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
    """Yield the kind ("metric" or "definition"), keywords and function name of each mark in a file, without running it."""
    text = path.read_text(encoding="utf-8")
    # most modules have no marks and need not be parsed
    if "metric(" not in text and "definition(" not in text:
        return
    for node in ast.parse(text, str(path)).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            kind = ast.unparse(mark.func).rpartition(".")[2] if isinstance(mark, ast.Call) else ""
            if isinstance(mark, ast.Call) and kind in ("metric", "definition"):
                facts = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in mark.keywords}
                yield kind, facts, node.name
