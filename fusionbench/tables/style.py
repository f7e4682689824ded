"""The style of tables: the ``table:`` part of a sweep, and the options of ``fusionbench table``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.spelling import spelled

LAYOUTS = ("single", "datasets", "ablation", "transfer", "sensitivity", "noise")
SPREADS = ("none", "sd", "ci")
MOST_DIGITS = 12


@dataclass
class TableStyle:
    """The layout and content of tables.

    ``metrics`` are the columns in their order, ``arguments`` those that a sensitivity table varies (empty: each number
    that varies), ``digits`` the number of decimals of all metrics or by metric; the defaults come from the records and
    the metrics' cards. ``title`` replaces the heading.
    """

    layout: str = "single"
    metrics: list[str] | None = None
    arguments: list[str] = field(default_factory=list)
    spread: str = "none"
    significance: bool = False
    ranks: bool = False
    digits: Any = None
    title: str = ""


def check_style(style: TableStyle) -> TableStyle:
    """Return the style. Raises UnknownNameError or RequestError for settings that no table can have."""
    if style.layout not in LAYOUTS:
        raise UnknownNameError("layout", style.layout, LAYOUTS)
    if style.spread not in SPREADS:
        raise UnknownNameError("spread", style.spread, SPREADS)
    if style.arguments and style.layout != "sensitivity":
        raise RequestError(
            f"Only the layout sensitivity varies arguments, this is '{style.layout}': choose that layout."
        )
    for given in style.digits.values() if isinstance(style.digits, Mapping) else [style.digits]:
        if given is not None and (
            isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_DIGITS
        ):
            raise RequestError(_wrong_digits(given))
    return style


def read_digits(parts: Iterable[str]) -> int | dict[str, int] | None:
    """Return the digits in ["4"] or ["VIF=2", "SSIM=3"]. Raises RequestError for anything else or both forms together."""
    parts = list(parts)
    if len(parts) == 1 and "=" not in parts[0]:
        return _number(parts[0])
    pairs = [part.partition("=") for part in parts]
    named = {name.strip().lower() for name, sign, _ in pairs if sign and name.strip()}
    if len(named) < len(pairs):
        raise RequestError(f"Digits '{','.join(parts)}' are unclear: give one number, or METRIC=N for each.")
    return {name.strip(): _number(text) for name, _, text in pairs} or None


def _number(text: str) -> int:
    if not text.strip().isdecimal():
        raise RequestError(_wrong_digits(text))
    return int(text)


def _wrong_digits(given: object) -> str:
    return f"Digits '{given}' cannot be printed: give 0 to {MOST_DIGITS}, or METRIC=N."


def digits_of(digits: int | Mapping[str, int] | None, cards: Mapping[str, Any]) -> dict[str, int]:
    """Return the decimals of every metric: the given ones, else those of its card. Raises UnknownNameError."""
    if isinstance(digits, int):
        return dict.fromkeys(cards, digits)
    asked = {spelled(name, cards, "metric"): number for name, number in (digits or {}).items()}
    return {name: card.digits for name, card in cards.items()} | asked
