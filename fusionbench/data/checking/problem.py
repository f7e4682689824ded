"""The findings of `data verify`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """A finding in words: an "error" makes pairs unusable or results wrong, a "warning" should be known beforehand."""

    level: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"


def first_listed(names: Sequence[str]) -> str:
    """Return the first three names, and the number of further ones."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
