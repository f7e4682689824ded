"""Colour, padding and checks around ``fuse``, the one place where they happen."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fusionbench.errors import PluginError
from fusionbench.method import FusionMethod, fuse_pair

FAMILIES = frozenset({"ir-vis"})


class Luma(FusionMethod):
    """Return b's luma; remember what it was given."""

    families: ClassVar = FAMILIES
    multiple = 8
    seen: tuple[int, ...] = ()

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        self.seen = tuple(b.shape)
        return b


class Rgb(Luma):
    color: ClassVar = "rgb"


class Constant(FusionMethod):
    families: ClassVar = FAMILIES

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.full_like(a, self.value)


class Smaller(FusionMethod):
    families: ClassVar = FAMILIES

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return a[..., 1:]


sides = st.integers(1, 19)


@settings(max_examples=30, deadline=None)
@given(sides, sides, st.integers(0, 2**16))
def test_a_method_that_returns_the_luma_gives_back_the_visible_image(
    height: int, width: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    b = torch.randint(0, 256, (2, 3, height, width), generator=generator) / 255
    fused = fuse_pair(Luma(), torch.rand(2, 1, height, width), b)
    assert torch.equal((fused * 255).round(), (b * 255).round())


@pytest.mark.parametrize(
    ("method", "channels", "seen"), [(Luma(), 3, 1), (Luma(), 1, 1), (Rgb(), 3, 3), (Rgb(), 1, 3)]
)
def test_the_result_has_the_channels_of_b_whatever_the_method_sees(
    method: Luma, channels: int, seen: int
) -> None:
    b = torch.rand(1, channels, 13, 21)
    fused = fuse_pair(method, torch.rand(1, 1, 13, 21), b)
    assert method.seen == (1, seen, 16, 24)
    assert torch.allclose(fused, b, atol=1e-5)


def test_chroma_of_the_visible_source_is_kept() -> None:
    b = torch.tensor([0.6, 0.5, 0.4]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    fused = fuse_pair(Constant(0.3), torch.zeros(1, 1, 4, 4), b)
    assert torch.allclose(fused - fused.mean(1, keepdim=True), b - b.mean(1, keepdim=True), atol=1e-5)


def test_values_outside_the_range_are_clamped() -> None:
    a, b = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    assert fuse_pair(Constant(1.5), a, b).unique().tolist() == [1.0]
    assert fuse_pair(Constant(-2.0), a, b).unique().tolist() == [0.0]


@pytest.mark.parametrize(("method", "word"), [(Constant(float("nan")), "NaN"), (Smaller(), "return one of")])
def test_a_broken_method_is_named(method: FusionMethod, word: str) -> None:
    with pytest.raises(PluginError, match=word):
        fuse_pair(method, torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8))
