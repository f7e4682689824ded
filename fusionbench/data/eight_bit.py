"""Grey and colour of 8-bit images exactly as Pillow and OpenCV compute them, in integers, on torch tensors.

Scripts of published networks read and write images with these libraries. Their fixed-point results differ from
real-valued BT.601 by up to half a grey level, which shows when a network's output has to be reproduced pixel by pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

# one half in fixed point with 16, 15 and 14 fractional bits
HALF_16, HALF_15, HALF_14 = 1 << 15, 1 << 14, 1 << 13


def levels(image: Tensor) -> Tensor:
    """Return an image in [0, 1] as levels 0..255, int32, rounded."""
    return (image * 255).round().to(torch.int32)


def truncated(image: Tensor) -> Tensor:
    """Return floor(255 x) / 255 of an image x clamped to [0, 1]: what a cast of 255 x to uint8 stores."""
    return (image.clamp(0, 1) * 255).floor() / 255


def pillow_gray(rgb: Tensor) -> Tensor:
    """Return the grey levels [B, 1, H, W] of levels [B, 3, H, W] as Pillow's ``convert("L")`` does."""
    red, green, blue = rgb.split(1, dim=1)
    return (19595 * red + 38470 * green + 7471 * blue + HALF_16) >> 16


def opencv_gray(rgb: Tensor) -> Tensor:
    """Return the grey levels [B, 1, H, W] of levels [B, 3, H, W] as OpenCV's RGB2GRAY does."""
    red, green, blue = rgb.split(1, dim=1)
    return (9798 * red + 19235 * green + 3735 * blue + HALF_15) >> 15


def libpng_gray(rgb: Tensor) -> Tensor:
    """Return the grey levels [B, 1, H, W] of levels [B, 3, H, W] as OpenCV returns them when it reads a PNG as grey.

    It leaves the conversion to libpng, which truncates coefficients and result, so that about half of the pixels are one
    level below those of `opencv_gray`.
    """
    red, green, blue = rgb.split(1, dim=1)
    return (9797 * red + 19234 * green + 3737 * blue) >> 15


def opencv_chroma(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Return the levels of Cr and Cb, [B, 1, H, W] each, of levels [B, 3, H, W] as OpenCV's RGB2YCrCb does."""
    red, green, blue = rgb.split(1, dim=1)
    luma = (4899 * red + 9617 * green + 1868 * blue + HALF_14) >> 14
    offset = (128 << 14) + HALF_14
    cr, cb = ((11682 * (red - luma) + offset) >> 14, (9241 * (blue - luma) + offset) >> 14)
    return cr.clamp(0, 255), cb.clamp(0, 255)


def opencv_rgb(luma: Tensor, cr: Tensor, cb: Tensor) -> Tensor:
    """Return the levels [B, 3, H, W] of Y, Cr and Cb, levels [B, 1, H, W] each, as OpenCV's YCrCb2RGB does."""
    cr, cb = cr - 128, cb - 128
    red = luma + ((22987 * cr + HALF_14) >> 14)
    green = luma + ((-11698 * cr - 5636 * cb + HALF_14) >> 14)
    blue = luma + ((29049 * cb + HALF_14) >> 14)
    return torch.cat([red, green, blue], dim=1).clamp(0, 255)
