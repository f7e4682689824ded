"""SeAFusion as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar

import torch
from fusionbench.methods.seafusion.network import SeAFusionNetwork
from torch import Tensor

from fusionbench.published import PublishedFusionMethod


class SeAFusion(PublishedFusionMethod):
    """SeAFusion (Tang, Yuan and Ma, Information Fusion 82, 2022, doi 10.1016/j.inffus.2021.12.004)."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})

    def __init__(self, *, official: bool = False) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = SeAFusionNetwork()

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return (a, _luma(b)) if self.official else (a, b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if not self.official:
            return output
        red, _, blue = b.split(1, dim=1)
        luma = _luma(b)
        cr, cb = (red - luma) * 0.713, (blue - luma) * 0.564
        colored = [output + 1.403 * cr, output - 0.714 * cr - 0.344 * cb, output + 1.773 * cb]
        image = torch.cat(colored, dim=1).clamp(0, 1)
        low, high = image.amin(), image.amax()  # of the whole batch
        return ((image - low) / (high - low) * 255).floor() / 255 if high > low else torch.zeros_like(image)


def _luma(rgb: Tensor) -> Tensor:
    red, green, blue = rgb.split(1, dim=1)
    return 0.299 * red + 0.587 * green + 0.114 * blue
