"""MATR as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar, Literal

from fusionbench.methods.matr.network import MATRNetwork
from torch import Tensor

from fusionbench.data.eight_bit import levels, pillow_gray
from fusionbench.errors import RequestError
from fusionbench.published import PublishedFusionMethod


class MATR(PublishedFusionMethod):
    """MATR (Tang et al., IEEE TIP 31, 2022, doi 10.1109/TIP.2022.3193288).

    ``tokens`` are what the transformer works on: 16 values that follow each other in memory, as the weights were
    trained, or the 16 channels of a pixel, as the paper draws it.
    """

    families: ClassVar[frozenset[str]] = frozenset({"medical"})

    def __init__(self, *, official: bool = False, tokens: Literal["memory", "pixel"] = "memory") -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = MATRNetwork(tokens)

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        if not self.official:
            return a, b
        height, width = a.shape[-2:]
        if height != width:
            raise RequestError(
                f"MATR's authors' script fuses square images only, and this one is {width}x{height}: use matr."
            )
        return a, pillow_gray(levels(b)) / 255

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        # a cast without a clamp: what is negative wraps around
        return (output * 255).trunc().remainder(256) / 255 if self.official else output.clamp(0, 1)
