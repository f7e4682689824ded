"""The visible (or optical, PET, SPECT, CT) source itself: what a method must beat to have fused anything."""

from typing import ClassVar, Literal

from torch import Tensor

from fusionbench.method import FusionMethod

CARD = {
    "title": "Visible (copy of source b)",
    "kind": "trivial",
    "families": ["ir-vis", "medical", "sar-opt"],
    "summary": "Returns source b unchanged, colour included.",
    "expect": {"parameters": 0},
}


class Visible(FusionMethod):
    """Copy source b."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical", "sar-opt"})
    color: ClassVar[Literal["luma", "rgb"]] = "rgb"

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return b.clone()
