"""Metrics compiled by numba for CPUs: the definitions of the modules in torch, several times faster, alike to 1e-10.

numba compiles each function at its first call on a machine and keeps the machine code on disk, so that later processes
load it. Where numba is not installed, on GPUs and for the definitions that are not compiled, torch computes.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

import numpy as np
from torch import Tensor


@cache
def installed() -> bool:
    """Tell whether numba can be used; one that does not fit the NumPy beside it counts as absent."""
    try:
        import_module("numba")
    except ImportError:
        return False
    return True


def usable(image: Tensor) -> bool:
    """Tell whether compiled functions take an image: it lies in the CPU's memory, and numba is installed."""
    return image.device.type == "cpu" and installed()


def arrays(images: Tensor) -> list[np.ndarray]:
    """Return the images of a batch [B, H, W] as contiguous arrays [H, W], without copying contiguous ones."""
    return [np.ascontiguousarray(image) for image in images.numpy()]
