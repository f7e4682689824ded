"""The findings of `data verify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """A finding in words: an "error" makes pairs unusable or results wrong, a "warning" should be known beforehand."""

    level: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"
