"""A GPU gets a batch before the one before it is waited for; a CPU's batches are stored as soon as they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fusionbench.cells.fusing import fuse
from fusionbench.cells.store import Cell
from fusionbench.data.images import read_image, write_image
from fusionbench.errors import PluginError
from fusionbench.method import FusionMethod
from fusionbench.types import Pair


class Mean(FusionMethod):
    def fuse(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a + b) / 2


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    made = []
    for number in range(6):
        files = tmp_path / f"a{number}.png", tmp_path / f"b{number}.png"
        for file in files:
            write_image(file, np.full((4, 5), 10 * number, np.uint8))
        made.append(Pair(str(number), *files))
    return made


class Asynchronous:
    """The forward passes of a device that tells an error, of the pair ``culprit``, only when it is waited for."""

    def __init__(self, culprit: int | None = None, error: Exception | None = None) -> None:
        self.told: list[tuple[str, list[int]]] = []
        self.culprit, self.error = culprit, error

    def __call__(self, method: FusionMethod, group: list, device: str) -> Asynchronous.Pass:
        # the number of a pair is a tenth of its level
        numbers = [round(float(images.a[0, 0]) * 25.5) for images in group]
        self.told.append(("begin", numbers))
        return self.Pass(self, group, numbers)

    class Pass:
        def __init__(self, device: Asynchronous, group: list, numbers: list[int]) -> None:
            self.device, self.group, self.numbers = device, group, numbers

        def images(self) -> torch.Tensor:
            self.device.told.append(("wait", self.numbers))
            if self.device.error and self.device.culprit in self.numbers:
                raise self.device.error
            return torch.stack([torch.from_numpy(images.a)[None] for images in self.group])


def carried_out(device: str, pairs: list[Pair], cell: Cell, passes: Asynchronous, monkeypatch) -> fuse.Fused:
    monkeypatch.setattr(fuse, "ForwardPass", passes)
    return fuse.fuse_missing(Mean(), pairs, cell, 2, device, lambda *_: None)


def stored(cell: Cell) -> dict[str, int]:
    return {name: int(read_image(cell.image(name))[0, 0]) for name in sorted(cell.stored())}


EVERY = {str(number): 10 * number for number in range(6)}


def test_one_batch_is_under_way_while_another_is_waited_for(pairs, tmp_path, monkeypatch) -> None:
    passes, cell = Asynchronous(), Cell(tmp_path / "cell")
    carried_out("cuda:0", pairs, cell, passes, monkeypatch)
    first, second, third = [0, 1], [2, 3], [4, 5]
    order = [("begin", first), ("begin", second), ("wait", first), ("begin", third), ("wait", second)]
    assert passes.told == [*order, ("wait", third)]
    assert stored(cell) == EVERY


def test_a_cpu_is_waited_for_at_once(pairs, tmp_path, monkeypatch) -> None:
    passes, cell = Asynchronous(), Cell(tmp_path / "cell")
    carried_out("cpu", pairs, cell, passes, monkeypatch)
    assert [what for what, _ in passes.told] == ["begin", "wait"] * 3
    assert stored(cell) == EVERY


def test_an_error_told_late_is_that_of_its_own_batch(pairs, tmp_path, monkeypatch) -> None:
    passes, cell = Asynchronous(2, PluginError("no good")), Cell(tmp_path / "cell")
    failures, alone = carried_out("cuda:0", pairs, cell, passes, monkeypatch)
    assert {name: failure.detail for name, failure in failures.items()} == {"2": "no good", "3": "no good"}
    assert alone == []
    assert stored(cell) == {name: level for name, level in EVERY.items() if name not in failures}


def test_a_batch_too_large_is_begun_anew_pair_by_pair(pairs, tmp_path, monkeypatch) -> None:
    passes, cell = Asynchronous(2, torch.OutOfMemoryError("CUDA out of memory")), Cell(tmp_path / "cell")
    failures, alone = carried_out("cuda:0", pairs, cell, passes, monkeypatch)
    assert list(failures) == ["2"]
    assert alone == ["2", "3"]
    assert ("begin", [3]) in passes.told
    assert stored(cell) == {name: level for name, level in EVERY.items() if name != "2"}
