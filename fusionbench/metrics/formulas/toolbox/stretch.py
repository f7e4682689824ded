"""Stretching each image to levels 0..255, as VIFB and Liu's toolbox do before some metrics.

It removes brightness and contrast of the fused image from the comparison, and it never merges two levels.
"""

from __future__ import annotations

from torch import Tensor

from fusionbench.metrics.image_cache import Image, Triple, constant, values

TOP = 255


def stretched(image: Image) -> Image:
    """Return round(255 (X - min X) / (max X - min X)), halves rounded up, uint8 [B, H, W].

    A constant image becomes black. For constant images other than black ones the references give NaN; `unstretchable`
    finds these.
    """
    low = image.levels.amin((-2, -1), keepdim=True).double()
    span = image.levels.amax((-2, -1), keepdim=True).double() - low
    # numerator and denominator are integers, so a half is exact and its rounding certain
    levels = (image.of(values) - low).mul_(TOP).div_(span.clamp_(min=1)).add_(0.5).floor_()
    return Image(levels.byte())


def unstretchable(triple: Triple) -> tuple[tuple[Tensor, str], ...]:
    """Return masks [B] with reasons for images with a single level other than 0, whose stretch is 0/0."""
    names = ("source a is", "source b is", "the fused image is")
    return tuple(
        (image.of(constant) & (image.levels[:, 0, 0] > 0), f"{name} constant, and cannot be stretched")
        for name, image in zip(names, triple, strict=True)
    )
