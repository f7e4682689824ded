"""Padding, crops and mirrorings of arrays [H, W] or [H, W, C] that keep the images of a pair registered."""

from __future__ import annotations

import numpy as np


def pad_to(image: np.ndarray, size: int) -> np.ndarray:
    """Mirror an image at its lower and right border until both sides are at least ``size``."""
    missing = [max(0, size - side) for side in image.shape[:2]]
    if not any(missing):
        return image
    return np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)][: image.ndim], mode="reflect")


def random_corner(shape: tuple[int, ...], size: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the top left corner of a crop that lies inside an image of at least that size."""
    return int(rng.integers(shape[0] - size + 1)), int(rng.integers(shape[1] - size + 1))


def center_corner(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Return the top left corner of the crop in the middle."""
    return (shape[0] - size) // 2, (shape[1] - size) // 2


def crop_at(image: np.ndarray, corner: tuple[int, int], size: int) -> np.ndarray:
    """Return the square crop with that top left corner."""
    top, left = corner
    return image[top : top + size, left : left + size]


def dihedral(image: np.ndarray, number: int) -> np.ndarray:
    """Return one of the eight mirrorings and quarter turns of a square; number 0 changes nothing."""
    turned = np.rot90(image, number % 4)
    return turned[:, ::-1] if number >= 4 else turned
