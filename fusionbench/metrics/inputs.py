"""Conversion of stored images, with one or three channels, to the images on which metrics are computed."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from fusionbench.metrics.field_profiles import Gray
from fusionbench.metrics.image_cache import Image

Form = Literal["bt601", "matlab", "opencv", "mean", "side by side", "rgb"]
PLANES = ("mean", "side by side", "rgb")  # forms with three channels, for which a single channel is repeated
MATLAB = (0.298936021293775, 0.587043074451121, 0.114020904255103)  # the weights of MATLAB's rgb2gray


class StoredImages:
    """Images as stored, uint8 [B, C, H, W] with C = 1 or 3 (red, green, blue).

    Each requested form is cached, and with it all statistics of that form.
    """

    def __init__(self, levels: Tensor) -> None:
        self.levels = levels
        self._forms: dict[str, Image] = {}
        self._elsewhere: dict[str, StoredImages] = {}

    @property
    def colored(self) -> bool:
        return self.levels.shape[1] == 3

    def on(self, device: str) -> StoredImages:
        """Return the images on a device, those on another than now cached."""
        if self.levels.device == torch.device(device):
            return self
        if device not in self._elsewhere:
            self._elsewhere[device] = StoredImages(self.levels.to(device))
        return self._elsewhere[device]

    def image(self, form: Form) -> Image:
        """Return a form of the images; for one channel all conversions to grey return the same object."""
        key = form if self.colored or form in PLANES else "gray"
        if key not in self._forms:
            self._forms[key] = Image(self.levels[:, 0] if key == "gray" else _FORMS[form](self.levels))
        return self._forms[key]


class Sources(NamedTuple):
    """The two sources of a pair; as long as it is kept, their statistics are shared by all fused images of the pair."""

    a: StoredImages
    b: StoredImages


def form_of(gray: Gray, fused: StoredImages, planes: Literal["mean", "side by side", "rgb"]) -> Form:
    """Return the form in which a profile scores a fused image.

    With "channels" a colour image is scored channel by channel, and a one-channel image against grey sources (VIFB's
    rule). A definition whose ``planes`` are "rgb" gets [B, 3, H, W] in every profile.
    """
    if planes == "rgb":
        return "rgb"
    if gray != "channels":
        return gray
    return planes if fused.colored else "matlab"


def _bt601(levels: Tensor) -> Tensor:
    """Return the luma of ITU-R BT.601, full range: floor(0.299 R + 0.587 G + 0.114 B + 0.5), uint8 [B, H, W]."""
    red, green, blue = levels.int().unbind(1)
    # in integers, so that halves are rounded exactly and every device gives the same level
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).byte()


def _matlab(levels: Tensor) -> Tensor:
    """Return the result of MATLAB's rgb2gray for uint8, uint8 [B, H, W]; halves are rounded up."""
    weights = torch.tensor(MATLAB, dtype=torch.float64, device=levels.device)
    return (levels.double() * weights[:, None, None]).sum(1).add_(0.5).floor_().byte()


def _opencv(levels: Tensor) -> Tensor:
    """Return OpenCV's conversion of float32 levels, rounded half to even by NumPy, uint8 [B, H, W], as CDDFuse does."""
    red, green, blue = levels.float().unbind(1)
    return (red * 0.299 + green * 0.587 + blue * 0.114).round_().byte()


def _channels(levels: Tensor) -> Tensor:
    """Return each channel as an image of its own, [3 B, H, W]; a single channel is repeated."""
    return levels.expand(-1, 3, -1, -1).flatten(0, 1)


def _side_by_side(levels: Tensor) -> Tensor:
    """Return the channels side by side, [B, H, 3 W], as VIFB's SF sees them; a single channel is repeated."""
    return torch.cat(levels.expand(-1, 3, -1, -1).unbind(1), dim=-1)


def _rgb(levels: Tensor) -> Tensor:
    """Return the three channels, [B, 3, H, W]; a single channel is repeated."""
    return levels.expand(-1, 3, -1, -1)


_FORMS = {
    "bt601": _bt601,
    "matlab": _matlab,
    "opencv": _opencv,
    "mean": _channels,
    "side by side": _side_by_side,
    "rgb": _rgb,
}
