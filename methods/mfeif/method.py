"""MFEIF as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar

from fusionbench.methods.mfeif.network import MFEIFNetwork
from torch import Tensor

from fusionbench.data.eight_bit import levels, libpng_gray
from fusionbench.published import PublishedFusionMethod


class MFEIF(PublishedFusionMethod):
    """MFEIF (Liu et al., IEEE TCSVT 32(1), 2022, doi 10.1109/TCSVT.2021.3056725)."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})

    def __init__(self, *, official: bool = False) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = MFEIFNetwork()

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return (a, libpng_gray(levels(b)) / 255) if self.official else (a, b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        # OpenCV rounds halves to even and saturates
        return (output * 255).round().clamp(0, 255) / 255 if self.official else output.clamp(0, 1)
