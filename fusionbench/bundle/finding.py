"""The result of one check of a bundle, and the comparison of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TOLERANCE = 1e-6  # relative, and absolute below 1: another processor may sum in another order


@dataclass(frozen=True)
class CheckResult:
    """The result of one check: "ok", "wrong", or "unchecked" with the reason. ``what`` names the part of the bundle."""

    level: Literal["ok", "wrong", "unchecked"]
    what: str
    detail: str


def agree(computed: float | None, packed: float | None) -> bool:
    """Tell whether a recomputed value agrees with the packed one within `TOLERANCE`; None agrees with None only."""
    if computed is None or packed is None:
        return computed is packed
    return abs(computed - packed) <= TOLERANCE * max(1.0, abs(packed))
