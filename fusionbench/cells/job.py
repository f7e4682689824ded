"""What travels to the process of a cell, and from its fusing to its scoring."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fusionbench.cells.planned import CellResult, PlannedCell
from fusionbench.cells.record import CellOptions
from fusionbench.weights.methods import Weights


@dataclass(frozen=True)
class Job:
    """One cell to bring up to date; ``index`` is its place in the plan, ``manifest`` the hash of its data."""

    index: int
    planned: PlannedCell
    manifest: str
    options: CellOptions


@dataclass(frozen=True)
class Unscored:
    """A cell that was fused; ``left`` are the seconds it may still take, ``log`` is what fusing printed."""

    job: Job
    result: CellResult
    weights: Weights | None
    left: float | None
    log: Path
