"""Luma and chroma against independent implementations: the primaries of JFIF and kornia's YCbCr."""

import kornia
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fusionbench.data.color import rgb_to_ycbcr, ycbcr_to_rgb

UNIT = st.floats(0, 1, width=32)
RGB = arrays(np.float32, (3, 4, 5), elements=UNIT)


@given(RGB)
def test_round_trip(rgb: np.ndarray) -> None:
    back = ycbcr_to_rgb(*rgb_to_ycbcr(*rgb))
    np.testing.assert_allclose(np.stack(back), rgb, atol=1e-6, rtol=0)
    assert back[0].dtype == np.float32


@given(RGB)
def test_ranges(rgb: np.ndarray) -> None:
    ycbcr = np.stack(rgb_to_ycbcr(*rgb))
    assert ycbcr.min() >= -1e-6
    assert ycbcr.max() <= 1 + 1e-6


@given(RGB)
def test_torch_and_numpy_agree(rgb: np.ndarray) -> None:
    with_torch = rgb_to_ycbcr(*torch.from_numpy(rgb))
    np.testing.assert_allclose(torch.stack(with_torch).numpy(), np.stack(rgb_to_ycbcr(*rgb)), atol=1e-6)


def test_kornia_agrees_within_its_rounded_constants() -> None:
    rgb = torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))
    ours = torch.stack(rgb_to_ycbcr(*rgb.unbind(1)), dim=1)
    torch.testing.assert_close(ours, kornia.color.rgb_to_ycbcr(rgb), atol=5e-4, rtol=0)


def test_grey_has_neutral_chroma_and_a_new_luma_keeps_it() -> None:
    y, cb, cr = rgb_to_ycbcr(0.25, 0.25, 0.25)
    assert (y, cb, cr) == pytest.approx((0.25, 0.5, 0.5))
    assert ycbcr_to_rgb(0.75, cb, cr) == pytest.approx((0.75, 0.75, 0.75))


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((1, 0, 0), (0.299, 0.331264, 1)),
        ((0, 1, 0), (0.587, 0.168736, 0.081312)),
        ((0, 0, 1), (0.114, 1, 0.418688)),
    ],
)
def test_jfif_values_of_the_primaries(rgb: tuple[int, ...], ycbcr: tuple[float, ...]) -> None:
    assert rgb_to_ycbcr(*rgb) == pytest.approx(ycbcr, abs=1e-6)
