"""Luma and chroma by ITU-R BT.601, full range (JPEG's YCbCr): all in [0, 1], chroma centred on 0.5.

Only arithmetic, so that numpy arrays and torch tensors of any shape work alike, one channel an argument.
"""

from __future__ import annotations

from typing import Any

Channel = Any  # a numpy array or a torch tensor; what goes in comes out

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
