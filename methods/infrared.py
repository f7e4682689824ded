"""The infrared (or SAR, MRI) source itself: what a method must beat to have fused anything."""

from typing import ClassVar

from torch import Tensor

from fusionbench.method import FusionMethod

CARD = {
    "title": "Infrared (copy of source a)",
    "kind": "trivial",
    "families": ["ir-vis", "medical", "sar-opt"],
    "summary": "Returns source a as luma; like every luma method it keeps source b's chroma.",
    "expect": {"parameters": 0},
}


class Infrared(FusionMethod):
    """Copy source a."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical", "sar-opt"})

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return a.clone()
