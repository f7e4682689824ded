"""LRRNet: a learned low-rank and sparse decomposition of both sources."""

from fusionbench.methods.lrrnet.method import LRRNet

__all__ = ["LRRNet"]
