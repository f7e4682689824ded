"""What a fusion method is, and how a pair is fused by one."""

from fusionbench.method.base import ONLY_IN_TRAINING, OUTSIDE_TRAINING, FusionMethod
from fusionbench.method.pairs import fuse_pair, padded_side

__all__ = ["ONLY_IN_TRAINING", "OUTSIDE_TRAINING", "FusionMethod", "fuse_pair", "padded_side"]
