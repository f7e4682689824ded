"""LRRNet as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar

from fusionbench.methods.lrrnet.network import LRRNetNetwork
from torch import Tensor

from fusionbench.data.eight_bit import levels, libpng_gray
from fusionbench.published import PublishedFusionMethod

EPSILON = 1e-5  # keeps the stretch of a constant image from dividing by 0


class LRRNet(PublishedFusionMethod):
    """LRRNet (Li et al., IEEE TPAMI 45(9), 2023, doi 10.1109/TPAMI.2023.3268209)."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})
    smallest_side = 2  # reflection

    def __init__(self, *, official: bool = False) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = LRRNetNetwork()

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        if self.official:
            return stretched(levels(a).float()), stretched(libpng_gray(levels(b)).float())
        return stretched(255 * a), stretched(255 * b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        image = stretched(output)
        return (image * 255).floor() / 255 if self.official else image


def stretched(image: Tensor) -> Tensor:
    """Return each image [B, 1, H, W] stretched to [0, 1] between its smallest and largest value."""
    low, high = (extreme(dim=(1, 2, 3), keepdim=True) for extreme in (image.amin, image.amax))
    return (image - low) / (high - low + EPSILON)
