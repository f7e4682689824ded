"""The canary: an average made worse by noise, which metrics that reward any detail prefer."""

from typing import ClassVar

import torch
from torch import Tensor

from fusionbench.method import FusionMethod

CARD = {
    "title": "Noisy average (canary)",
    "kind": "trivial",
    "families": ["ir-vis", "medical", "sar-opt"],
    "summary": "Average plus Gaussian noise of 10 grey levels; a metric that prefers it to the average rewards noise.",
    "canary": "average",
    "expect": {"parameters": 0},
}


class NoisyAverage(FusionMethod):
    """Average the sources and add Gaussian noise.

    ``sigma`` is in grey levels of 0..255. The noise depends on the image's size and ``seed`` alone, so every run,
    device and batch gets the same.
    """

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical", "sar-opt"})

    def __init__(self, *, sigma: float = 10.0, seed: int = 0) -> None:
        super().__init__()
        self.save_hyperparameters()

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        # drawn on the CPU: other devices have generators of their own
        generator = torch.Generator().manual_seed(self.hparams.seed)
        noise = torch.randn(a.shape[-2:], generator=generator).to(a)
        return ((a + b) / 2 + noise * self.hparams.sigma / 255).clamp(0, 1)
