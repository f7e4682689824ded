"""A batch that takes too much memory is fused one by one, and the record says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from fusionbench import FusionMethod
from fusionbench.cells.fusing.fuse import fuse_missing
from fusionbench.cells.store import Cell
from fusionbench.data.images import write_image
from fusionbench.types import Pair


class Greedy(FusionMethod):
    """Runs out of memory on more than ``most`` pairs at once."""

    families = frozenset({"ir-vis"})

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def fuse(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if len(a) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return (a + b) / 2


def pairs(folder: Path, count: int) -> list[Pair]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        files = folder / f"a{number}.png", folder / f"b{number}.png"
        for file in files:
            write_image(file, rng.integers(0, 256, (8, 9), dtype=np.uint8))
        made.append(Pair(str(number), *files))
    return made


def fuse(most: int, folder: Path) -> tuple[dict, list[str], set[str]]:
    cell = Cell(folder / f"cell{most}")
    failures, alone = fuse_missing(Greedy(most), pairs(folder, 5), cell, 2, "cpu", lambda *_: None)
    return failures, alone, cell.stored()


def test_a_batch_too_large_is_fused_one_by_one(tmp_path: Path) -> None:
    failures, alone, stored = fuse(1, tmp_path)
    assert failures == {}
    assert alone == ["0", "1", "2", "3"]
    assert stored == {"0", "1", "2", "3", "4"}


def test_batches_that_fit_stay_together(tmp_path: Path) -> None:
    failures, alone, stored = fuse(2, tmp_path)
    assert (failures, alone) == ({}, [])
    assert len(stored) == 5


def test_a_pair_too_large_alone_is_out_of_memory(tmp_path: Path) -> None:
    failures, _, stored = fuse(0, tmp_path)
    assert {failure.status for failure in failures.values()} == {"oom"}
    assert stored == set()
