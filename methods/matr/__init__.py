"""MATR: context-gated convolutions and transformer blocks at three depths, for medical images."""

from fusionbench.methods.matr.method import MATR

__all__ = ["MATR"]
