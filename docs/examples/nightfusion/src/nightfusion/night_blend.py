"""Night blend: a learned share of each source that depends on how bright both are there."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from fusionbench.losses import strongest_gradient, strongest_intensity
from fusionbench.method import FusionMethod
from fusionbench.types import PairBatch

CARD = {
    "title": "Night blend",
    "kind": "learned",
    "families": ["ir-vis"],
    "summary": "A share of each source, learned from the brightness of both pixel by pixel.",
    "licence": "Apache-2.0",
    "convert": [{r"^module\.": ""}],
}
CONFIG = {
    "stages": {"fuse": {"epochs": 6, "batch_size": 8, "crop": 64, "optimizer": {"name": "adam", "lr": 1e-2}}},
    "variants": {"wide": {"about": "twice the hidden units", "args": {"hidden": 16}}},
}


class NightBlend(FusionMethod):
    """Night blend. ``hidden`` is the number of units between the two brightnesses and the share."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})

    def __init__(self, *, hidden: int = 8) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.share = nn.Sequential(nn.Conv2d(2, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, 1, 1), nn.Sigmoid())

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        share = self.share(torch.cat([a, b], dim=1))
        return share * a + (1 - share) * b

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        fused = self.fuse(batch.a, batch.b)
        return {
            "intensity": strongest_intensity(fused, batch.a, batch.b),
            "gradient": strongest_gradient(fused, batch.a, batch.b),
        }
