"""MUFusion as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from fusionbench.methods.mufusion.network import MUFusionNetwork
from torch import Tensor

from fusionbench.data.eight_bit import levels, pillow_gray
from fusionbench.published import PublishedFusionMethod

TILE, STEP = 128, 124


class MUFusion(PublishedFusionMethod):
    """MUFusion (Cheng, Xu and Wu, Information Fusion 92, 2023, doi 10.1016/j.inffus.2022.11.010).

    ``scene`` names the infrared-visible weights. With ``official``, ``rgb`` repeats the authors' script for colour
    instead of the one for grey.
    """

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical"})
    multiple = 2  # one step down and up
    smallest_side = 4  # reflection at half the size

    def __init__(
        self, *, official: bool = False, rgb: bool = False, scene: Literal["tno", "roadscene"] = "tno"
    ) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = MUFusionNetwork()
        if official:
            self.network.double()
            self.multiple, self.smallest_side = 1, TILE

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        if not self.official:
            return a, b
        colors = levels(b)
        gray = _luma(colors.double()) if self.hparams.rgb else pillow_gray(colors)
        return levels(a).double() / 255, gray.double() / 255

    def output(self, a: Tensor, b: Tensor) -> Tensor:
        """Fuse the whole image, or the mean of overlapping tiles as the script does."""
        if not self.official:
            return self.network(a, b)
        total, count = torch.zeros_like(a), torch.zeros_like(a)
        for top, left in tiles(*a.shape[-2:]):
            place = ..., slice(top, top + TILE), slice(left, left + TILE)
            total[place] += self.network(a[place], b[place])
            count[place] += 1
        return total / count

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if not self.official:
            return output.clamp(0, 1)
        if self.hparams.rgb:
            return _recolored(255 * output, levels(b).double()).clamp(0, 255).round().float() / 255
        low, high = (extreme(dim=(1, 2, 3), keepdim=True) for extreme in (output.amin, output.amax))
        span = torch.where(high > low, high - low, 1)
        return ((output - low) * (255 / span) + 0.5).floor().float() / 255


def tiles(height: int, width: int) -> list[tuple[int, int]]:
    """Return top and left of each tile: a grid, then what it misses at the right, at the bottom and in the corner."""
    rows, columns = range(0, height - TILE + 1, STEP), range(0, width - TILE + 1, STEP)
    grid = [(top, left) for top in rows for left in columns]
    right = [(top, width - TILE) for top in rows]
    bottom = [(height - TILE, left) for left in columns]
    return [*grid, *right, *bottom, (height - TILE, width - TILE)]


def _luma(rgb: Tensor) -> Tensor:
    red, green, blue = rgb.split(1, dim=1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).clamp(0, 255)


def _recolored(luma: Tensor, rgb: Tensor) -> Tensor:
    """Return R, G, B of a new luma, both from 0 to 255, by the script's rounded coefficients."""
    red, green, blue = rgb.split(1, dim=1)
    cb = -0.169 * red - 0.331 * green + 0.5 * blue
    cr = 0.5 * red - 0.419 * green - 0.081 * blue
    return torch.cat([luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb], dim=1)
