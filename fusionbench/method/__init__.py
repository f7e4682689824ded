"""The base class of fusion methods, and the function that fuses pairs by a method."""

from fusionbench.method.base import ONLY_IN_TRAINING, OUTSIDE_TRAINING, FusionMethod
from fusionbench.method.pairs import begin_fusing, check_finite, fuse_pair, padded_side

__all__ = [
    "ONLY_IN_TRAINING",
    "OUTSIDE_TRAINING",
    "FusionMethod",
    "begin_fusing",
    "check_finite",
    "fuse_pair",
    "padded_side",
]
