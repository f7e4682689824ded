"""What metrics say of themselves: ``@metric`` and ``@definition`` mark functions; the marks are read without torch."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from fusionbench.errors import UnknownNameError

DEFAULT = ("EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIF", "Qabf", "SSIM")  # the set scored by default
CANONICAL = "canonical"

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class MetricCard:
    """Facts about a metric.

    ``range`` holds the smallest and the largest value of the definition, None where there is no bound.
    ``convention`` says which of the definitions in use this is. ``per`` is what one value belongs to.
    ``version`` rises whenever values change, so that only this metric is scored again. ``digits`` are printed
    in tables. On images with a side below ``smallest`` pixels the metric is undefined. ``planes`` as in `Definition`.
    ``weights`` are the files that it needs, by their names in `fusionbench.metric_weights`.
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


@dataclass(frozen=True)
class Definition:
    """One of the computations that the field calls by a metric's name.

    ``text`` says what it does, and for other definitions than the canonical one what it does differently;
    ``source`` is the code or paper it reproduces. Images with a side below ``smallest`` pixels have no value.
    Where a profile scores color images channel by channel, ``planes`` says whether the channels' values are
    averaged or the channels are laid side by side; "rgb" is taken on red, green and blue at once, whatever the
    profile. ``version`` rises whenever values change.
    """

    metric: str
    name: str
    text: str
    source: str = ""
    smallest: int = 1
    planes: Literal["mean", "side by side", "rgb"] = "mean"
    unit: str = ""
    version: int = 1


class Entry(NamedTuple):
    """A definition and the function that computes it."""

    definition: Definition
    module: str
    function: str


def metric(**facts: Any) -> Callable[[Function], Function]:
    """Mark a function as a metric's canonical definition; the keywords are those of `MetricCard`, as literals.

    The function takes a `Triple` and returns an `Outcome`, and stands in any module of this package.
    """

    def mark(function: Function) -> Function:
        function.card = MetricCard(**facts)
        return function

    return mark


def definition(**facts: Any) -> Callable[[Function], Function]:
    """Mark a function as another definition of a metric; the keywords are those of `Definition`, as literals."""

    def mark(function: Function) -> Function:
        function.definition = Definition(**facts)
        return function

    return mark


def cards() -> dict[str, MetricCard]:
    """Return the card of every metric by name: the default set in its order, then the others."""
    return dict(_registered()[0])


def definitions(metric: str) -> dict[str, Definition]:
    """Return the definitions of a metric by their names, the canonical one first. ``metric`` as in `cards`."""
    return {name: entry.definition for name, entry in _registered()[1][metric].items()}


def function_of(found: Definition) -> Callable[..., Any]:
    """Import and return the function that computes a definition."""
    entry = _registered()[1][found.metric][found.name]
    return getattr(import_module(f"{__package__}.{entry.module}"), entry.function)


def spelled(name: str, known: Iterable[str], kind: str) -> str:
    """Return a name as ``known`` spells it; case is ignored, and hyphen equals underscore.

    Raises UnknownNameError, which names the ``kind``.
    """
    spelling = {_plain(candidate): candidate for candidate in known}
    if _plain(name) not in spelling:
        raise UnknownNameError(kind, name, spelling.values())
    return spelling[_plain(name)]


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")


@cache
def _registered() -> tuple[dict[str, MetricCard], dict[str, dict[str, Entry]]]:
    """Return cards by metric, and by metric and definition what computes it."""
    found: dict[str, MetricCard] = {}
    others: list[Entry] = []
    entries: dict[str, dict[str, Entry]] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for mark, facts, function in _marks(path):
            if mark == "metric":
                card = MetricCard(**facts)
                found[card.name] = card
                entries[card.name] = {CANONICAL: Entry(_canonical(card), path.stem, function)}
            else:
                others.append(Entry(Definition(**facts), path.stem, function))
    for entry in others:
        entries[entry.definition.metric][entry.definition.name] = entry
    order = (*DEFAULT, *(name for name in found if name not in DEFAULT))
    return {name: found[name] for name in order}, entries


def _canonical(card: MetricCard) -> Definition:
    return Definition(
        card.name, CANONICAL, card.convention, "", card.smallest, card.planes, card.unit, card.version
    )


def _marks(path: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield kind, facts and function of each mark in a file, without running it."""
    text = path.read_text(encoding="utf-8")
    if "@metric(" not in text and "@definition(" not in text:  # spares parsing the modules that hold none
        return
    for node in ast.parse(text).body:
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) in ("metric", "definition"):
                facts = {keyword.arg: ast.literal_eval(keyword.value) for keyword in mark.keywords}
                yield ast.unparse(mark.func), facts, node.name
