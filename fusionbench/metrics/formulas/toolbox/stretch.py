"""Images stretched to the levels 0 to 255, each by itself, as VIFB and Liu's toolbox do before some metrics.

The stretch takes brightness and contrast of the fused image out of the comparison. It merges no two levels.
"""

from __future__ import annotations

from torch import Tensor

from fusionbench.metrics.image_cache import Image, Triple, constant, values

TOP = 255


def stretched(image: Image) -> Image:
    """Return the image with its darkest pixel brought to 0 and its brightest to 255, rounded half up.

    A black image stays as it is. Of another constant image the references make NaN, here it becomes black:
    `unstretchable` tells.
    """
    low = image.levels.amin((-2, -1), keepdim=True).double()
    span = image.levels.amax((-2, -1), keepdim=True).double() - low
    # integers below the division: a half is a half, and no rounding decides
    levels = (image.of(values) - low).mul_(TOP).div_(span.clamp_(min=1)).add_(0.5).floor_()
    return Image(levels.byte())


def unstretchable(triple: Triple) -> tuple[tuple[Tensor, str], ...]:
    """Return where an image has one level other than 0, so that its stretch would be 0/0."""
    names = ("source a is", "source b is", "the fused image is")
    return tuple(
        (image.of(constant) & (image.levels[:, 0, 0] > 0), f"{name} constant, and cannot be stretched")
        for name, image in zip(names, triple, strict=True)
    )
