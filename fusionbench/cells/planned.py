"""The options of a run, its planned cells, and the result of each cell and image."""

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
    """All options of a run, named as on the command line.

    ``setting`` is appended to the names of rows where a sweep varies more than methods and data sets. ``noise`` is
    added to the sources before fusing, written as in `fusionbench.data.noise.setting.read_noise`.

    ``weights`` is "auto" (own training, else imported, published or shipped weights), "trained" (own training only),
    "latest" (the training finished last, whatever its recipe and seed), "random", or a path. "auto" and "trained" train
    a method without weights unless ``no_train`` is set or it takes more than ``train_within`` minutes (None: no limit).
    ``train_dataset`` names the data sets, separated by commas, to learn from; None means the fused data set itself.
    ``timeout`` is in seconds per cell. ``batch_size`` is a number of pairs, or "auto" for as many as a GPU's memory allows
    (on a CPU 1); cells then keep the number with which they were begun.
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
    batch_size: int | str = 1
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
    """Return a method's name in runs/ and tables, such as ``name@variant+setting+noise``; ``setting`` may be empty."""
    told = "+".join(part for part in (setting, str(noise) if noise else "") if part)
    return f"{method}{'+' if '@' in method else '@'}{told}" if told else method


@dataclass(frozen=True)
class PlannedCell:
    """One method on one split, checked but not started.

    ``setting`` distinguishes cells of a sweep that differ in more than the method's name. ``noise`` is added to the
    sources before they are fused.
    """

    method: MethodSpec
    config: MethodConfig
    split: Split
    setting: str = ""
    noise: SourceNoise | None = None

    @property
    def name(self) -> str:
        """The row's name in runs/ and tables: method, variants, setting and noise."""
        return row_name(self.method.name, self.setting, self.noise)

    @property
    def label(self) -> str:
        return f"{self.split.spec.name} · {self.name}"


@dataclass(frozen=True)
class Job:
    """One cell to bring up to date, with everything the plan decided about it; its process decides none of that again.

    ``index`` is its position in the plan. ``options`` has the device and the profile resolved, and ``metrics`` are full
    names. ``identity`` is everything that determines the images except the weights. ``weights`` are those chosen by the
    plan, None if the cell's process has to train first or to report why it cannot.
    """

    index: int
    planned: PlannedCell
    options: RunOptions
    metrics: tuple[str, ...]
    identity: dict[str, Any]
    weights: Weights | None = None


@dataclass(frozen=True)
class Failure:
    """The reason why an image could not be fused or scored; ``status`` is "failed" or "oom"."""

    status: str
    detail: str


Done = Callable[[str, Failure | None], None]


@dataclass
class CellResult:
    """The result of one cell; ``fused`` and ``scored`` count the images that this call worked on.

    ``status`` is that of its record, "busy" (another process works on it) or "fused" (its scores are still to be
    computed; callers of `run` never see this). ``failures`` are by pair id. ``unavailable`` maps metrics without a value
    because weights are missing to what the user has to do. ``planned`` is None while the result travels between
    processes, because the receiving process has the plan.
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
    """A fused cell without scores; ``left`` is what remains of its time-out in seconds, ``log`` the output of fusing."""

    job: Job
    result: CellResult
    weights: Weights | None
    left: float | None
    log: Path
