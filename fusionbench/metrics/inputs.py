"""How stored images, with one channel or three, become the images that metrics are functions of."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from fusionbench.metrics.field_profiles import Gray
from fusionbench.metrics.image_cache import Image

Form = Literal["bt601", "matlab", "opencv", "mean", "side by side", "rgb"]
PLANES = ("mean", "side by side", "rgb")  # forms that keep the channels, so that one channel is repeated

MATLAB = (0.298936021293775, 0.587043074451121, 0.114020904255103)  # rgb2gray's row of its color matrix


class Picture:
    """Images as they are stored, uint8 [B, C, H, W] with one channel or three (red, green, blue).

    Remembers each form asked of it, and with it all statistics of that form.
    """

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels
        self._forms: dict[str, Image] = {}

    @property
    def colored(self) -> bool:
        return self.levels.shape[1] == 3

    def image(self, form: Form) -> Image:
        """Return a form of the images; forms that one channel makes equal are one and the same object."""
        key = form if self.colored or form in PLANES else "gray"
        if key not in self._forms:
            self._forms[key] = Image(self.levels[:, 0] if key == "gray" else _FORMS[form](self.levels))
        return self._forms[key]


class Sources(NamedTuple):
    """The two sources of a pair; while this is kept, their statistics serve all fused images of the pair."""

    a: Picture
    b: Picture


def form_of(gray: Gray, fused: Picture, planes: Literal["mean", "side by side", "rgb"]) -> Form:
    """Return the form in which a profile scores a fused image.

    "channels" scores a color image channel by channel, and a one-channel image against gray sources. A definition
    on "rgb" gets [B, 3, H, W] by any profile.
    """
    if planes == "rgb":
        return "rgb"
    if gray != "channels":
        return gray
    return planes if fused.colored else "matlab"


def _bt601(levels: Tensor) -> Tensor:
    """Return the luma by ITU-R BT.601, full range, rounded half up."""
    red, green, blue = levels.int().unbind(1)
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).byte()


def _matlab(levels: Tensor) -> Tensor:
    """Return what MATLAB's rgb2gray returns for uint8."""
    weights = torch.tensor(MATLAB, dtype=torch.float64, device=levels.device)
    return (levels.double() * weights[:, None, None]).sum(1).add_(0.5).floor_().byte()


def _opencv(levels: Tensor) -> Tensor:
    """Return what OpenCV's conversion of float32 levels gives, rounded half to even as NumPy does."""
    red, green, blue = levels.float().unbind(1)
    return (red * 0.299 + green * 0.587 + blue * 0.114).round_().byte()


def _channels(levels: Tensor) -> Tensor:
    """Return each channel as an image of its own, [3 B, H, W]; one channel is repeated."""
    return levels.expand(-1, 3, -1, -1).flatten(0, 1)


def _side_by_side(levels: Tensor) -> Tensor:
    """Return the channels from left to right, [B, H, 3 W]."""
    return torch.cat(levels.expand(-1, 3, -1, -1).unbind(1), dim=-1)


def _rgb(levels: Tensor) -> Tensor:
    """Return the three channels; one channel is repeated."""
    return levels.expand(-1, 3, -1, -1)


_FORMS = {
    "bt601": _bt601,
    "matlab": _matlab,
    "opencv": _opencv,
    "mean": _channels,
    "side by side": _side_by_side,
    "rgb": _rgb,
}
