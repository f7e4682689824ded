"""RefineFuse: multi-scale interaction for infrared-visible and medical fusion."""

from fusionbench.methods.refinefuse.method import RefineFuse

__all__ = ["RefineFuse"]
