"""Luma and chroma of ITU-R BT.601, full range (JPEG's YCbCr): all in [0, 1], chroma centred at 0.5.

The functions use arithmetic only, so they take NumPy arrays and torch tensors of any shape, one channel per argument.
"""

from __future__ import annotations

from typing import Any

Channel = Any  # a NumPy array or a torch tensor; results are of the same type

# weights of ITU-R BT.601, for images and metrics alike
RED, GREEN, BLUE = 0.299, 0.587, 0.114


def luma(r: Channel, g: Channel, b: Channel) -> Channel:
    """Return Y = 0.299 R + 0.587 G + 0.114 B, in the range of the channels."""
    return RED * r + GREEN * g + BLUE * b


def rgb_to_ycbcr(r: Channel, g: Channel, b: Channel) -> tuple[Channel, Channel, Channel]:
    """Return Y, Cb = (B - Y) / 1.772 + 0.5 and Cr = (R - Y) / 1.402 + 0.5 in [0, 1] of channels in [0, 1]."""
    y = luma(r, g, b)
    return y, (b - y) / (2 * (1 - BLUE)) + 0.5, (r - y) / (2 * (1 - RED)) + 0.5


def ycbcr_to_rgb(y: Channel, cb: Channel, cr: Channel) -> tuple[Channel, Channel, Channel]:
    """Return R, G, B, the exact inverse of `rgb_to_ycbcr`.

    It does not clamp: with a new Y the result can leave [0, 1], and the caller has to.
    """
    r = y + 2 * (1 - RED) * (cr - 0.5)
    b = y + 2 * (1 - BLUE) * (cb - 0.5)
    return r, (y - RED * r - BLUE * b) / GREEN, b
