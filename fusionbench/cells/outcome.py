"""What became of an image, and of a cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fusionbench.cells.planned import PlannedCell


@dataclass(frozen=True)
class Failure:
    """Why an image could not be fused or scored; ``status`` is failed or oom."""

    status: str
    detail: str


Done = Callable[[str, Failure | None], None]


@dataclass
class CellResult:
    """What a cell came to; ``fused`` and ``scored`` count the images worked on by this call.

    ``status`` is that of its record, busy: another process works on it, or fused: its scores are to come, which a
    caller of `run` never sees. ``unavailable`` are metrics without a
    value for want of weights, each with what to do. ``planned`` is None on the way between processes: the one that
    receives the result has planned the cell.
    """

    planned: PlannedCell
    path: Path | None
    status: str
    detail: str = ""
    fused: int = 0
    scored: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.planned.label
