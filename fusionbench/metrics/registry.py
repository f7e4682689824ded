"""What metrics say of themselves: ``@metric`` marks functions, ``cards()`` reads the marks without torch."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar

from fusionbench.errors import RequestError, UnknownNameError

DEFAULT = ("EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIF", "Qabf", "SSIM")  # the set scored by default
PROFILES = ("canonical",)  # sets of definitions; a table never mixes two

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class MetricCard:
    """Facts about a metric.

    ``range`` holds the smallest and the largest value of the definition, None where there is no bound.
    ``convention`` says which of the definitions in use this is. ``per`` is what one value belongs to.
    ``version`` rises whenever values change, so that only this metric is scored again. ``digits`` are printed
    in tables. On images with a side below ``smallest`` pixels the metric is undefined.
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


def metric(**facts: Any) -> Callable[[Function], Function]:
    """Mark a function as a metric; the keywords are those of `MetricCard`, each written as a literal.

    The function takes a `Triple` and returns an `Outcome`, and stands in any module of this package.
    """

    def mark(function: Function) -> Function:
        function.card = MetricCard(**facts)
        return function

    return mark


def cards() -> dict[str, MetricCard]:
    """Return the card of every metric by name: the default set in its order, then the others."""
    return {name: card for name, (card, _, _) in _registered().items()}


def resolve(names: str | Iterable[str] | None = None) -> list[str]:
    """Return metric names as their cards spell them, each once, in the order asked; None is the default set.

    A string is split at commas. Case is ignored, and hyphen equals underscore. Raises UnknownNameError, and
    RequestError where no name is left.
    """
    if names is None:
        return list(DEFAULT)
    spelling = {_plain(name): name for name in cards()}
    asked = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
    for name in filter(None, asked):
        if _plain(name) not in spelling:
            raise UnknownNameError("metric", name, cards())
    found = list(dict.fromkeys(spelling[_plain(name)] for name in asked if name))
    if not found:
        raise RequestError(f"No metric is asked for: name some of {', '.join(cards())}.")
    return found


def resolve_profile(name: str) -> str:
    """Return a profile's name as it is stored in records. Raises UnknownNameError."""
    for profile in PROFILES:
        if _plain(profile) == _plain(name):
            return profile
    raise UnknownNameError("profile", name, PROFILES)


def function_of(name: str) -> Callable[..., Any]:
    """Import and return the function behind a name as `cards` spells it."""
    _, module, function = _registered()[name]
    return getattr(import_module(f"{__package__}.{module}"), function)


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")


@cache
def _registered() -> dict[str, tuple[MetricCard, str, str]]:
    modules = sorted(Path(__file__).parent.glob("*.py"))
    found = {entry[0].name: entry for path in modules for entry in _marked(path)}
    return {name: found[name] for name in (*DEFAULT, *(name for name in found if name not in DEFAULT))}


def _marked(path: Path) -> Iterator[tuple[MetricCard, str, str]]:
    """Yield card, module and function for each ``@metric(...)`` in a file, without running it."""
    text = path.read_text(encoding="utf-8")
    if "@metric(" not in text:  # spares parsing the modules that hold none
        return
    for node in ast.parse(text).body:
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "metric":
                facts = {keyword.arg: ast.literal_eval(keyword.value) for keyword in mark.keywords}
                yield MetricCard(**facts), path.stem, node.name
