"""Grey and colour of 8-bit images are those of Pillow and OpenCV, level by level."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from fusionbench.data import eight_bit

COLORS = np.random.default_rng(7).integers(0, 256, (64, 48, 3), dtype=np.uint8)
COLORS[:8] = COLORS[:8, :, :1]  # grey among them
LEVELS = torch.from_numpy(COLORS.astype(np.int32)).movedim(-1, 0)[None]


def same(pixels: torch.Tensor, expected: np.ndarray) -> bool:
    return np.array_equal(pixels[0].movedim(0, -1).squeeze(-1).numpy(), expected.astype(np.int32))


def test_gray_of_pillow_and_of_opencv() -> None:
    assert same(eight_bit.pillow_gray(LEVELS), np.asarray(Image.fromarray(COLORS).convert("L")))
    assert same(eight_bit.opencv_gray(LEVELS), cv2.cvtColor(COLORS, cv2.COLOR_RGB2GRAY))


def test_gray_that_opencv_reads_from_a_png_is_another(tmp_path: Path) -> None:
    Image.fromarray(COLORS).save(tmp_path / "color.png")
    read = cv2.imread(str(tmp_path / "color.png"), cv2.IMREAD_GRAYSCALE)
    assert same(eight_bit.libpng_gray(LEVELS), read)
    assert not np.array_equal(read, cv2.cvtColor(COLORS, cv2.COLOR_RGB2GRAY))


def test_chroma_and_colour_of_opencv() -> None:
    ycrcb = cv2.cvtColor(COLORS, cv2.COLOR_RGB2YCrCb)
    cr, cb = eight_bit.opencv_chroma(LEVELS)
    assert same(torch.cat([cr, cb], dim=1), ycrcb[..., 1:])
    other = np.random.default_rng(8).integers(0, 256, COLORS.shape, dtype=np.uint8)
    planes = torch.from_numpy(other.astype(np.int32)).movedim(-1, 0)[None].split(1, dim=1)
    assert same(eight_bit.opencv_rgb(*planes), cv2.cvtColor(other, cv2.COLOR_YCrCb2RGB))


def test_levels_come_back_and_truncation_is_that_of_a_cast() -> None:
    image = LEVELS.float() / 255
    assert torch.equal(eight_bit.levels(image), LEVELS)
    values = torch.linspace(-0.2, 1.2, 2001)
    cast = (values.clamp(0, 1) * 255).numpy().astype(np.uint8)
    assert np.array_equal(eight_bit.levels(eight_bit.truncated(values)).numpy(), cast)
