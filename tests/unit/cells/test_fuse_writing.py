"""Images are rounded and encoded in several threads beside the method."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from fusionbench import FusionMethod
from fusionbench.cells.fusing import fuse
from fusionbench.cells.store import Cell
from fusionbench.data import pipeline
from fusionbench.data.images import read_image, write_image
from fusionbench.errors import OutputError
from fusionbench.types import Pair


class Mean(FusionMethod):
    families = frozenset({"ir-vis"})

    def fuse(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a + b) / 2


def pairs(folder: Path, count: int) -> list[Pair]:
    made = []
    for number in range(count):
        files = folder / f"a{number}.png", folder / f"b{number}.png"
        for file, level in zip(files, (number, number + 1), strict=True):
            write_image(file, np.full((8, 9), level, dtype=np.uint8))
        made.append(Pair(str(number), *files))
    return made


def test_images_are_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=60)

    def meet(path: Path, image: np.ndarray) -> None:
        meeting.wait()  # one writer alone would wait in vain
        write_image(path, image)

    made, cell, done = pairs(tmp_path, 12), Cell(tmp_path / "cell"), []
    monkeypatch.setattr(pipeline, "write_image", meet)
    failures, _ = fuse.fuse_missing(Mean(), made, cell, 2, "cpu", lambda name, _: done.append(name))
    assert failures == {}
    assert sorted(done) == sorted(pair.id for pair in made)
    # the mean of n and n + 1 is a half, which goes up
    assert all((read_image(cell.image(pair.id)) == int(pair.id) + 1).all() for pair in made)


def test_a_folder_that_cannot_be_written_ends_the_work(tmp_path: Path) -> None:
    cell = Cell(tmp_path / "cell")
    cell.path.mkdir()
    (cell.path / "images").write_text("a file where the folder belongs")
    with pytest.raises(OutputError):
        fuse.fuse_missing(Mean(), pairs(tmp_path, 3), cell, 1, "cpu", lambda *_: None)


def test_halves_go_up_and_rounding_is_that_of_float64() -> None:
    levels = torch.arange(256, dtype=torch.float64)
    exact = torch.cat([levels / 255, (levels[:-1] + 0.5) / 255]).float()
    stored = pipeline.to_uint8(exact.reshape(1, 1, -1).numpy())
    expected = (exact.double() * 255 + 0.5).floor().to(torch.uint8)
    np.testing.assert_array_equal(stored[0], expected.numpy())
    assert stored.dtype == np.uint8
    assert pipeline.to_uint8(np.zeros((3, 4, 5))).shape == (4, 5, 3)
