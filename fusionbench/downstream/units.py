"""Units of a call, one for each row and seed; a hash of all that affects a unit's values names its folder.

Importing this module loads no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from fusionbench.cells.task_scores import FOLDER
from fusionbench.data.manifest import file_hashes
from fusionbench.downstream.division import Division
from fusionbench.downstream.recipes import TaskNetwork
from fusionbench.downstream.rows import DownstreamRow
from fusionbench.files import digest_of
from fusionbench.metrics.tasks import FROZEN, MAIN, VERSION

Protocol = Literal["retrain", "frozen"]
PROTOCOLS = ("retrain", "frozen")
NETWORKS = ".networks"  # folder of trained networks, in the runs folder
TRAINING = 2  # increased when the same recipe gives another network


@dataclass(frozen=True)
class Unit:
    """One network, tested on one row; ``train`` are the images that it is trained on, by pair id."""

    row: DownstreamRow
    division: Division
    network: TaskNetwork
    protocol: Protocol
    seed: int
    device: str
    train: Mapping[str, Path]

    def on(self, device: str) -> Unit:
        """Return the unit for another device of the same kind."""
        return replace(self, device=device)

    @property
    def label(self) -> str:
        seed = f"seed {self.seed}"
        return f"{self.division.spec.name} · {self.row.method} · {self.network.task}, {seed}"

    @property
    def classes(self) -> tuple[str, ...]:
        spec = self.division.spec
        facts = spec.labels if self.network.task == "segment" else spec.boxes
        return facts.classes if facts else ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of the task's mean scores under this protocol."""
        return tuple(self.marked(name) for name in MAIN[self.network.task])

    def marked(self, name: str) -> str:
        """Return a metric's name under this protocol: "frozen" has a suffix."""
        return name + FROZEN if self.protocol == "frozen" else name

    @cached_property
    def training(self) -> dict[str, Any]:
        """Return all that affects the trained network, as JSON; its hash names the network's folder."""
        spec = self.division.spec
        ignored = list(spec.labels.ignored) if self.network.task == "segment" and spec.labels else []
        return {
            "version": TRAINING,
            "task": self.network.task,
            "network": self.network.identity,
            "classes": list(self.classes),
            "ignored": ignored,
            "seed": self.seed,
            "device": self.device.partition(":")[0],
            "train": self.division.identity["train"],
            "images": contents(self.division.root.parent, self.train.values()),
            "labels": contents(self.division.root, label_files(self.division, self.network.task, "train")),
        }

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return all that affects the scores, as JSON; its hash names the unit's folder."""
        return {
            "training": self.training,
            "protocol": self.protocol,
            "test": self.division.identity["test"],
            "images": contents(self.row.cell.path, self.row.test.values()),
            "labels": contents(self.division.root, label_files(self.division, self.network.task, "test")),
            "scores": VERSION,
        }

    @cached_property
    def id(self) -> str:
        return digest_of(self.identity)[:10]

    @property
    def place(self) -> Path:
        """Return the folder of the unit's result, in the cell with the test images."""
        return self.row.cell.path / FOLDER / self.id

    @property
    def network_place(self) -> Path:
        """Return the folder of the trained network, which several units may share."""
        return self.row.cell.path.parents[2] / NETWORKS / digest_of(self.training)[:10]

    @property
    def setting(self) -> str:
        """Return in words the setting that all rows of a table must share."""
        division, task = self.division, self.network.task
        how = "trained on each row's own images"
        if self.protocol == "frozen":
            how = f"trained once, on the {division.spec.b} images"
        return (
            f"{self.network.title}, {how}; {len(division.train)} pairs to train and {len(division.test)} to test ({division.note}), "
            f"{'map' if task == 'segment' else 'box'} labels"
        )


def label_files(division: Division, task: str, side: str) -> list[Path]:
    """Return the label files of one side, "train" or "test"."""
    pairs = division.train if side == "train" else division.test
    return [path for pair in pairs if (path := pair.label if task == "segment" else pair.boxes)]


def contents(folder: Path, files: Iterable[Path]) -> str:
    """Return a hash of the contents of files, in their order."""
    files = list(files)
    hashes = file_hashes(folder, files)
    return hashlib.sha256("\n".join(hashes[path] for path in files).encode()).hexdigest()[:16]
