"""The mean of both sources."""

from typing import ClassVar

from torch import Tensor

from fusionbench.method import FusionMethod

CARD = {
    "title": "Average",
    "kind": "trivial",
    "families": ["ir-vis", "medical", "sar-opt"],
    "summary": "Mean of both sources' luma, pixel by pixel.",
    "expect": {"parameters": 0},
}


class Average(FusionMethod):
    """Average the sources."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical", "sar-opt"})

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        return (a + b) / 2
