"""The brighter of both sources."""

from typing import ClassVar

import torch
from torch import Tensor

from fusionbench.method import FusionMethod

CARD = {
    "title": "Maximum",
    "kind": "trivial",
    "families": ["ir-vis", "medical", "sar-opt"],
    "summary": "Larger luma of both sources, pixel by pixel.",
    "expect": {"parameters": 0},
}


class Maximum(FusionMethod):
    """Take the brighter source at each pixel."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical", "sar-opt"})

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.maximum(a, b)
