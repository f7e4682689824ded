"""What travels between the process that was called, the pool of cells and the cells themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fusionbench.runner.plan import PlannedCell
from fusionbench.runner.record import CellOptions

Message = tuple[Any, ...]  # the name of what happened, then its arguments


@dataclass(frozen=True)
class Job:
    """One cell to bring up to date; ``index`` is its place in the plan, ``manifest`` the hash of its data."""

    index: int
    planned: PlannedCell
    manifest: str
    options: CellOptions


@dataclass(frozen=True)
class Limits:
    """What a cell may take: seconds, its training not counted, and GiB of memory; None: no limit."""

    seconds: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Work:
    """All jobs of a call, and the devices they run on, one cell a slot at a time."""

    jobs: tuple[Job, ...]
    slots: tuple[str, ...]
    limits: Limits
