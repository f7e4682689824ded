"""The arithmetic of networks on GPUs: full float32 and one result for one input, as on CPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def full_float32() -> Iterator[None]:
    """Make cuDNN convolve in float32 and by deterministic algorithms; without effect on CPUs.

    PyTorch's default on GPUs since Ampere is TF32, whose 10 bits of mantissa can move a stored level, so that a table
    would depend on the GPU that filled it.
    """
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield
