"""MUFusion: one small network for all tasks, trained with a memory of its own results."""

from fusionbench.methods.mufusion.method import MUFusion

__all__ = ["MUFusion"]
