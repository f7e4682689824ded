"""A method with random numbers in ``fuse``: what a pair becomes does not depend on what was fused before."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from fusionbench.cells.fusing.fuse import fuse_missing
from fusionbench.cells.store import Cell
from fusionbench.method import FusionMethod
from fusionbench.types import Pair


class Noise(FusionMethod):
    """Draw from all three generators that a method is likely to use."""

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return (torch.rand_like(a) + float(np.random.rand()) + random.random()) / 3


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Pair, ...]:
    for name in "123456":
        for side in "ab":
            (tmp_path / side).mkdir(exist_ok=True)
            Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / side / f"{name}.png")
    return tuple(Pair(n, tmp_path / "a" / f"{n}.png", tmp_path / "b" / f"{n}.png") for n in "123456")


def fused(place: Path, pairs: tuple[Pair, ...], size: int, seed: int = 0) -> dict[str, bytes]:
    cell = Cell(place)
    failures, _ = fuse_missing(Noise().eval(), pairs, cell, size, "cpu", lambda *_: None, seed=seed)
    assert not failures
    return {pair.id: cell.image(pair.id).read_bytes() for pair in pairs}


@pytest.mark.parametrize("size", [1, 2])
def test_a_resumed_run_equals_an_undisturbed_one(tmp_path: Path, pairs: tuple[Pair, ...], size: int) -> None:
    whole = fused(tmp_path / "whole", pairs, size)
    assert len(set(whole.values())) == 6
    fused(tmp_path / "cut", pairs[:2], size)
    torch.rand(5)
    (tmp_path / "cut" / "images" / "1.png").unlink()
    assert fused(tmp_path / "cut", pairs, size) == whole


def test_another_seed_draws_other_numbers(tmp_path: Path, pairs: tuple[Pair, ...]) -> None:
    assert fused(tmp_path / "0", pairs, 1) != fused(tmp_path / "1", pairs, 1, seed=1)
