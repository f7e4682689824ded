"""LSNF (Yan 2025): pseudo-modal images, level-wise fusion and a strictly nested decoder for SAR and visible images."""

from fusionbench.methods.lsnf.method import LSNF

__all__ = ["LSNF"]
