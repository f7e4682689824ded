"""One cell of a request: a method on a split as it was planned, and what became of it and of its images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fusionbench.config import MethodConfig
from fusionbench.data.noise.setting import SourceNoise
from fusionbench.data.pairs import Split
from fusionbench.registry.methods import MethodSpec


def row_name(method: str, setting: str, noise: SourceNoise | None = None) -> str:
    """Return what runs/ and tables call a method with its variants under a setting, which may be none, and noise."""
    told = "+".join(part for part in (setting, str(noise) if noise else "") if part)
    return f"{method}{'+' if '@' in method else '@'}{told}" if told else method


@dataclass(frozen=True)
class PlannedCell:
    """One method on one split, checked but not started.

    ``setting`` tells the cells of a sweep apart that differ in more than the method's name. ``noise`` is added to the
    sources before they are fused.
    """

    method: MethodSpec
    config: MethodConfig
    split: Split
    setting: str = ""
    noise: SourceNoise | None = None

    @property
    def name(self) -> str:
        """Return what runs/ and tables call the row: method, variants, setting and noise."""
        return row_name(self.method.name, self.setting, self.noise)

    @property
    def label(self) -> str:
        return f"{self.split.spec.name} · {self.name}"


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
