"""Luma and chroma by ITU-R BT.601, full range (JPEG's YCbCr): all in [0, 1], chroma centred on 0.5.

Only arithmetic, so that numpy arrays and torch tensors of any shape work alike, one channel an argument.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Channel = TypeVar("Channel")  # a numpy array or a torch tensor

RED, GREEN, BLUE = 0.299, 0.587, 0.114


def luma(r: Channel, g: Channel, b: Channel) -> Channel:
    """Return Y, in the range of the channels."""
    return RED * r + GREEN * g + BLUE * b


def rgb_to_ycbcr(r: Channel, g: Channel, b: Channel) -> tuple[Channel, Channel, Channel]:
    """Return Y, Cb, Cr in [0, 1] of channels in [0, 1]; grey has Cb = Cr = 0.5."""
    y = luma(r, g, b)
    return y, (b - y) / (2 * (1 - BLUE)) + 0.5, (r - y) / (2 * (1 - RED)) + 0.5


def ycbcr_to_rgb(y: Channel, cb: Channel, cr: Channel) -> tuple[Channel, Channel, Channel]:
    """Return R, G, B, the exact inverse of ``rgb_to_ycbcr``; not clamped.

    With a new Y the result can leave [0, 1]: the caller clamps.
    """
    r = y + 2 * (1 - RED) * (cr - 0.5)
    b = y + 2 * (1 - BLUE) * (cb - 0.5)
    return r, (y - RED * r - BLUE * b) / GREEN, b


def luma_uint8(image: np.ndarray) -> np.ndarray:
    """Return the luma that metrics are taken on, uint8 [H, W], rounded half up.

    Takes [H, W] or [H, W, 3], either uint8 or float in [0, 1]; an 8-bit image gives the same result in both
    forms.
    """
    if image.dtype == np.uint8:
        if image.ndim == 2:
            return image
        r, g, b = (image[..., i].astype(np.int64) for i in range(3))
        return ((299 * r + 587 * g + 114 * b + 500) // 1000).astype(np.uint8)
    if not np.issubdtype(image.dtype, np.floating):
        raise TypeError(f"luma_uint8 takes uint8 or float in [0, 1], not {image.dtype}")
    grey = image.astype(np.float64)
    if image.ndim == 3:
        grey = luma(grey[..., 0], grey[..., 1], grey[..., 2])
    # the luma of 8-bit values is a multiple of 1/1000: the margin keeps exact ties up despite float32's error
    return np.clip(np.floor(grey * 255 + 0.5 + 1e-4), 0, 255).astype(np.uint8)
