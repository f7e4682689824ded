"""Luma and chroma against independent implementations: Pillow's 'L' and kornia's YCbCr."""

import kornia
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fusionbench.data.color import luma_uint8, rgb_to_ycbcr, ycbcr_to_rgb

UNIT = st.floats(0, 1, width=32)
RGB = arrays(np.float32, (3, 4, 5), elements=UNIT)
RGB8 = arrays(np.uint8, (6, 7, 3))


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


@given(RGB8)
def test_luma_of_8_bits_is_pillows(image: np.ndarray) -> None:
    difference = np.abs(luma_uint8(image).astype(int) - np.asarray(Image.fromarray(image).convert("L")))
    exact = image.astype(np.int64) @ np.array([299, 587, 114])
    near_tie = np.abs(exact % 1000 - 500) <= 5  # Pillow's weights are rounded to 1/65536
    assert (difference[~near_tie] == 0).all()
    assert difference.max(initial=0) <= 1


@given(RGB8)
def test_luma_is_the_same_from_floats(image: np.ndarray) -> None:
    assert (luma_uint8(image.astype(np.float32) / 255) == luma_uint8(image)).all()


def test_luma_rounds_ties_up_in_both_forms() -> None:
    tie = np.array([[[0, 0, 250]]], dtype=np.uint8)  # 28.5
    assert luma_uint8(tie)[0, 0] == luma_uint8(tie.astype(np.float32) / 255)[0, 0] == 29


def test_every_grey_level_is_its_own_luma() -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    assert (luma_uint8(levels) == levels).all()
    assert (luma_uint8(np.stack([levels] * 3, axis=-1)) == levels).all()
    assert (luma_uint8(levels.astype(np.float32) / 255) == levels).all()


def test_luma_clips_what_leaves_the_range() -> None:
    assert luma_uint8(np.array([[-0.5, 1.5]])).tolist() == [[0, 255]]


def test_luma_refuses_other_depths() -> None:
    with pytest.raises(TypeError, match="not uint16"):
        luma_uint8(np.zeros((2, 2), np.uint16))
