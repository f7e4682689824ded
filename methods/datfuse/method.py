"""DATFuse as a fusionbench plug-in."""

from __future__ import annotations

from typing import ClassVar, Literal

from fusionbench.methods.datfuse.network import DATFuseNetwork
from torch import Tensor

from fusionbench.data.eight_bit import levels, pillow_gray
from fusionbench.published import PublishedFusionMethod


class DATFuse(PublishedFusionMethod):
    """DATFuse (Tang et al., IEEE TCSVT 33(7), 2023, doi 10.1109/TCSVT.2023.3234340).

    ``tokens`` are what the transformer works on: 16 values that follow each other in memory, as the weights were
    trained, or the 16 channels of a pixel, as the paper draws it.
    """

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})

    def __init__(self, *, official: bool = False, tokens: Literal["memory", "pixel"] = "memory") -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = DATFuseNetwork(tokens)

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return (a, pillow_gray(levels(b)) / 255) if self.official else (a, b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        # a cast without a clamp: what is negative wraps around
        return (output * 255).trunc().remainder(256) / 255 if self.official else output.clamp(0, 1)
