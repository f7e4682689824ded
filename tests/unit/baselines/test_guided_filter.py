"""Guided-filter fusion against a plain computation in NumPy and against what the paper says it does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fusionbench.methods.guided_filter import GuidedFilter, guided, mean


def window_mean(image: np.ndarray, radius: int) -> np.ndarray:
    height, width = image.shape
    return np.array(
        [
            [
                image[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1].mean()
                for x in range(width)
            ]
            for y in range(height)
        ]
    )


@pytest.mark.parametrize("radius", [1, 3, 20])
def test_mean_counts_only_pixels_inside(radius: int) -> None:
    image = torch.rand(1, 1, 9, 13, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = window_mean(image[0, 0].numpy(), radius)
    torch.testing.assert_close(mean(image, radius)[0, 0], torch.from_numpy(expected), atol=1e-12, rtol=0)


def test_a_wide_eps_smooths_and_a_narrow_one_keeps_the_guides_edge() -> None:
    edge = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    edge[..., 16:] = 1
    torch.testing.assert_close(guided(edge, edge, 4, 1e-9), edge, atol=1e-6, rtol=0)
    blurred = guided(edge, edge, 4, 100.0)
    assert 0.3 < blurred[0, 0, 16, 16].item() < 0.7


def test_each_side_comes_from_the_source_with_detail_there() -> None:
    texture = torch.rand(1, 1, 64, 128, generator=torch.Generator().manual_seed(1))
    a, b = texture.clone(), texture.flip(-1).clone()
    a[..., 64:] = 0.5
    b[..., :64] = 0.5
    with torch.no_grad():
        fused = GuidedFilter().fuse(a, b)
    for source, part in ((a, slice(16, 48)), (b, slice(80, 112))):
        inside = torch.stack([fused[0, 0, 16:48, part].flatten(), source[0, 0, 16:48, part].flatten()])
        assert torch.corrcoef(inside)[0, 1] > 0.99


def test_equal_sources_are_returned() -> None:
    image = torch.rand(2, 1, 40, 24, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(GuidedFilter().fuse(image, image), image, atol=1e-6, rtol=0)
