"""What each baseline computes, value by value."""

from __future__ import annotations

import pytest
import torch

from fusionbench.method import fuse_pair
from fusionbench.registry.methods import load

GENERATOR = torch.Generator().manual_seed(3)
A = torch.rand(2, 1, 33, 47, generator=GENERATOR)
B = torch.rand(2, 1, 33, 47, generator=GENERATOR)
COLOR = torch.rand(2, 3, 33, 47, generator=GENERATOR)


def test_copies_return_their_source() -> None:
    assert torch.equal(fuse_pair(load("visible"), A, COLOR), COLOR)
    assert torch.equal(fuse_pair(load("visible"), A, B), B) or torch.allclose(
        fuse_pair(load("visible"), A, B), B, atol=1e-6
    )
    assert torch.equal(fuse_pair(load("infrared"), A, B), A)


def test_average_and_maximum_work_pixel_by_pixel() -> None:
    assert torch.allclose(fuse_pair(load("average"), A, B), (A + B) / 2)
    assert torch.equal(fuse_pair(load("maximum"), A, B), torch.where(A > B, A, B))


def test_the_canary_is_an_average_with_noise_of_ten_grey_levels() -> None:
    gray = torch.full((1, 1, 200, 200), 0.5)
    noise = (fuse_pair(load("noisy_average"), gray, gray) - gray) * 255
    assert noise.std().item() == pytest.approx(10, rel=0.03)
    assert noise.mean().item() == pytest.approx(0, abs=0.3)
    assert torch.equal(
        fuse_pair(load("noisy_average"), gray, gray), fuse_pair(load("noisy_average"), gray, gray)
    )
    other = fuse_pair(load("noisy_average", seed=1), gray, gray)
    assert not torch.equal(other, fuse_pair(load("noisy_average"), gray, gray))


@pytest.mark.parametrize("levels", [0, 1, 4, 7])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (33, 47), (64, 64)])
def test_the_pyramid_gives_back_an_image_fused_with_itself(levels: int, size: tuple[int, int]) -> None:
    image = torch.rand(1, 1, *size, generator=GENERATOR)
    assert torch.allclose(fuse_pair(load("laplacian_pyramid", levels=levels), image, image), image, atol=1e-6)


def test_the_pyramid_takes_the_stronger_detail() -> None:
    flat, detailed = torch.full((1, 1, 64, 64), 0.5), torch.full((1, 1, 64, 64), 0.5)
    detailed[..., 32, 32] = 1.0
    fused = fuse_pair(load("laplacian_pyramid"), flat, detailed)
    assert fused[..., 32, 32].item() > 0.95
    assert torch.allclose(fused, fuse_pair(load("laplacian_pyramid"), detailed, flat), atol=1e-6)
