"""What ``fuse_pair`` promises for colour, batches and methods that return something else than an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fusionbench.data.color import rgb_to_ycbcr
from fusionbench.errors import PluginError
from fusionbench.method import FusionMethod, fuse_pair


class Returning(FusionMethod):
    """Fuse by a given function of a and b."""

    families: ClassVar = frozenset({"ir-vis"})

    def __init__(self, result: Callable[[Tensor, Tensor], object], color: str = "luma", multiple: int = 1):
        super().__init__()
        self.result, self.color, self.multiple = result, color, multiple

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return self.result(a, b)


def levels(image: Tensor) -> Tensor:
    return (image * 255).round() / 255


def chroma(image: Tensor) -> Tensor:
    return torch.cat(rgb_to_ycbcr(*image.split(1, dim=1))[1:], dim=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.floats(0.4, 0.6))
def test_chroma_survives_eight_bits_within_a_grey_level(seed: int, luma: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    # little chroma around middle grey, so that no channel of the result is clipped
    b = levels(0.4 + 0.2 * torch.rand(1, 3, 5, 6, generator=generator))
    fused = levels(fuse_pair(Returning(lambda a, b: torch.full_like(a, luma)), b[:, :1], b))
    assert (chroma(fused) - chroma(b)).abs().max() <= 1 / 255
    assert (rgb_to_ycbcr(*fused.split(1, dim=1))[0] - luma).abs().max() <= 1 / 255


def test_a_luma_method_gets_bt601_luma() -> None:
    seen = []
    b = torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    fuse_pair(Returning(lambda a, b: seen.append(b.clone()) or b), torch.zeros(1, 1, 2, 2), b)
    assert seen[0].shape == (1, 1, 2, 2)
    assert seen[0].unique().item() == pytest.approx(0.299 + 0.587 * 0.5 + 0.114 * 0.25)


def test_an_rgb_method_that_returns_one_channel_gets_the_chroma_of_b() -> None:
    b = 0.4 + 0.2 * torch.rand(1, 3, 4, 4)
    fused = fuse_pair(Returning(lambda a, b: a, color="rgb"), torch.full((1, 1, 4, 4), 0.5), b)
    assert torch.allclose(chroma(fused), chroma(b), atol=1e-5)


def test_sides_are_padded_by_repeating_the_border() -> None:
    seen = []
    a = torch.arange(6.0).view(1, 1, 2, 3) / 10
    method = Returning(lambda a, b: seen.append(a.clone()) or a, multiple=4)
    assert torch.equal(fuse_pair(method, a, a), a)
    top, bottom = [0.0, 0.1, 0.2, 0.2], [0.3, 0.4, 0.5, 0.5]
    assert torch.allclose(seen[0][0, 0], torch.tensor([top, bottom, bottom, bottom]))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("color", ["luma", "rgb"])
def test_one_pixel_is_enough(channels: int, color: str) -> None:
    b = torch.full((1, channels, 1, 1), 0.5)
    fused = fuse_pair(Returning(lambda a, b: b, color=color, multiple=16), torch.zeros(1, 1, 1, 1), b)
    assert torch.allclose(fused, b, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_of_a_batch_equals_the_image_alone(channels: int) -> None:
    a, b = torch.rand(3, 1, 7, 5), torch.rand(3, channels, 7, 5)
    method = Returning(lambda a, b: (a + b) / 2, multiple=4)
    alone = [fuse_pair(method, a[i : i + 1], b[i : i + 1]) for i in range(3)]
    assert torch.equal(fuse_pair(method, a, b), torch.cat(alone))


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (lambda a, b: a.clone().index_fill_(3, torch.tensor([0]), float("inf")), "infinite"),
        (lambda a, b: a / 0 * 0, "NaN"),
        (lambda a, b: a.squeeze(1), "return one of"),
        (lambda a, b: a[:1], "return one of"),
        (lambda a, b: a.expand(-1, 2, -1, -1), "return one of"),
        (lambda a, b: a.expand(-1, 3, -1, -1), "return one of"),
        (lambda a, b: a.numpy(), "ndarray"),
        (lambda a, b: None, "NoneType"),
    ],
)
def test_what_is_no_fused_image_is_an_error_naming_the_class(
    result: Callable[[Tensor, Tensor], object], word: str
) -> None:
    with pytest.raises(PluginError, match=f"^Returning.*{word}"):
        fuse_pair(Returning(result), torch.zeros(2, 1, 4, 4), torch.zeros(2, 3, 4, 4))


def test_a_method_without_fuse_or_losses_says_so() -> None:
    class Empty(FusionMethod):
        families: ClassVar = frozenset({"ir-vis"})

    grey = torch.zeros(1, 1, 2, 2)
    with pytest.raises(PluginError, match="Empty does not define fuse"):
        fuse_pair(Empty(), grey, grey)
    with pytest.raises(PluginError, match="Empty has no losses"):
        Empty().losses((grey, grey))
