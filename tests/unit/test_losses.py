"""Loss terms that several methods share, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from fusionbench.losses import (
    dissimilarity,
    local_variance,
    similarity,
    sobel,
    strongest_gradient,
    strongest_intensity,
)


def test_sobel_of_a_ramp_is_its_slope_times_eight() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8) / 10
    assert torch.allclose(sobel(ramp)[..., 1:-1, 1:-1], torch.tensor(0.8))


def test_the_stronger_gradient_is_asked_for() -> None:
    ramp = torch.arange(16.0).expand(1, 1, 16, 16) / 100
    flat = torch.zeros_like(ramp)
    assert strongest_gradient(3 * ramp, 3 * ramp, ramp).item() == pytest.approx(0, abs=1e-7)
    # 14 columns miss a slope of 8 x 0.01, the two at the border, where pixels repeat, half of it
    assert strongest_gradient(flat, ramp, flat).item() == pytest.approx(0.08 * 15 / 16, rel=1e-5)


@pytest.mark.parametrize("sigma", [1.5, None])
def test_local_variance_is_the_variance_under_the_window(sigma: float | None) -> None:
    assert local_variance(torch.full((1, 1, 8, 8), 0.7), 9, sigma).max() < 1e-6
    image = torch.zeros(1, 1, 21, 21)
    image[..., 10, 10] = 1
    offsets = torch.arange(-4.0, 5)
    weights = torch.ones(9) if sigma is None else torch.exp(-(offsets**2) / (2 * sigma**2))
    centre = (weights[4] / weights.sum()).item() ** 2
    assert local_variance(image, 9, sigma)[0, 0, 10, 10].item() == pytest.approx(centre - centre**2, abs=1e-6)


def test_the_brighter_source_is_asked_for() -> None:
    a, b = torch.tensor([[[[0.2, 0.8]]]]), torch.tensor([[[[0.6, 0.1]]]])
    assert strongest_intensity(torch.tensor([[[[0.6, 0.8]]]]), a, b).item() == 0
    assert strongest_intensity(torch.tensor([[[[0.5, 1.0]]]]), a, b).item() == pytest.approx(0.15)


def test_similarity_is_the_formula_of_wang_and_others() -> None:
    x, y = torch.rand(2, 1, 20, 24, generator=torch.Generator().manual_seed(0))

    def blur(image: torch.Tensor) -> np.ndarray:
        return gaussian_filter(image[0].double().numpy(), 1.5, mode="mirror", radius=5)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x**2) - mean_x**2, blur(y**2) - mean_y**2, blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    expected = luminance * (2 * cov + 9e-4) / (var_x + var_y + 9e-4)
    assert similarity(x[None], y[None]).item() == pytest.approx(expected.mean(), abs=1e-5)


def test_dissimilarity_is_0_for_equal_images_and_half_for_one_of_two_strangers() -> None:
    a, b = torch.rand(2, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert dissimilarity(a, a, a).item() == pytest.approx(0, abs=1e-6)
    assert dissimilarity(a, a, b).item() == pytest.approx((1 - similarity(a, b).item()) / 2, abs=1e-6)
    assert dissimilarity(a, a, b).item() == pytest.approx(0.5, abs=0.05)
