"""What a run is told, its cells as they were planned, and what became of each and of its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusionbench.config import MethodConfig
from fusionbench.data.noise.setting import CLEAN, SourceNoise
from fusionbench.data.pairs import Split
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.weights.methods import Weights


@dataclass(frozen=True)
class RunOptions:
    """Everything a run can be told; the names are those of the command line's options.

    ``setting`` is added to the rows' names, where a sweep varies more than methods and data sets. ``noise``, written as
    `fusionbench.data.noise.setting.read_noise` takes it, is added to the sources before they are fused. ``weights`` is
    auto, trained (auto without what is imported or shipped), latest (the training finished last, whatever its recipe and
    seed), random or a path; auto and trained train where they find none, ``no_train`` is off and it takes at most
    ``train_within`` minutes (None: any time). ``train_dataset`` names the data sets (with commas) whose train splits
    count, None: the fused one's.
    """

    method: tuple[str, ...]
    dataset: tuple[str, ...]
    split: str = "test"
    metrics: str | Sequence[str] | None = None
    profile: str = "canonical"
    weights: str = "auto"
    no_train: bool = False
    train_within: float | None = 60
    train_dataset: str | None = None
    limit: int | None = None
    seed: int = 0
    device: str = "auto"
    batch_size: int = 1
    data_root: str | None = None
    out: Path = Path("runs")
    fresh: bool = False
    jobs: int | None = None
    timeout: float | None = None
    memory_limit: float | None = None
    baselines: bool = True
    overrides: tuple[str, ...] = ()
    setting: str = ""
    noise: str = CLEAN
    shard: str | None = None
    executor: str = "local"


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
class Job:
    """One cell to bring up to date, and what the plan decided of it; its process decides none of that again.

    ``index`` is its place in the plan. ``options`` hold the device, the profile and the metrics by their full names.
    ``identity`` is what decides the images, but for the weights. ``weights`` are those that were chosen; None where the
    cell's process has to train first, or to say why it cannot.
    """

    index: int
    planned: PlannedCell
    options: RunOptions
    metrics: tuple[str, ...]
    identity: dict[str, Any]
    weights: Weights | None = None


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


@dataclass(frozen=True)
class Unscored:
    """A cell that was fused; ``left`` are the seconds it may still take, ``log`` is what fusing printed."""

    job: Job
    result: CellResult
    weights: Weights | None
    left: float | None
    log: Path
