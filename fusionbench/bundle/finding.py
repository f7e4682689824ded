"""What one check of a bundle says, and when two values are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TOLERANCE = 1e-6  # of a score, relative: another processor may sum in another order


@dataclass(frozen=True)
class Finding:
    """One check: "ok", "wrong", or "unchecked" with what it would take. ``what`` names the part of the bundle."""

    level: Literal["ok", "wrong", "unchecked"]
    what: str
    detail: str


def agree(computed: float | None, packed: float | None) -> bool:
    """Tell whether a value computed here is the packed one."""
    if computed is None or packed is None:
        return computed is packed
    return abs(computed - packed) <= TOLERANCE * max(1.0, abs(packed))
