"""MFEIF: features of three receptive fields and an edge-guided attention."""

from fusionbench.methods.mfeif.method import MFEIF

__all__ = ["MFEIF"]
