"""SeAFusion: gradient residual dense blocks, trained in the loop of segmentation."""

from fusionbench.methods.seafusion.method import SeAFusion

__all__ = ["SeAFusion"]
