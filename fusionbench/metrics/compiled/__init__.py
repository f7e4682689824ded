"""Metrics compiled by numba for CPUs: equal to the formulas in torch to 1e-10.

numba compiles each function at its first call on a machine and caches the machine code on disk for later processes.
docs/performance.md compares their speed with that of a commit without them. Without numba, on GPUs and for definitions
that are not compiled, the formulas in torch are used.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from importlib import import_module

import numpy as np
from torch import Tensor


@cache
def installed() -> bool:
    """Tell whether numba can be imported; a numba that refuses the installed NumPy counts as absent."""
    try:
        import_module("numba")
    except ImportError:
        return False
    # numba reads the entry points of all packages once; a damaged package may lose its own, not the first metric's value
    with suppress(Exception):
        import_module("numba.core.entrypoints").init_all()
    return True


def usable(image: Tensor) -> bool:
    """Tell whether compiled functions can be used for an image: it is in the CPU's memory, and numba is installed."""
    return image.device.type == "cpu" and installed()


def loaded(image: Tensor) -> bool:
    """Tell whether compiled functions can be used for an image and numba is imported already.

    Exact counts are the same bits without numba, whose start costs 0.6 CPU seconds and saves less than a millisecond
    an image, so they are no reason to import it.
    """
    return "numba" in sys.modules and usable(image)


def arrays(images: Tensor) -> list[np.ndarray]:
    """Return the images of a batch [B, H, W] as contiguous arrays [H, W]; contiguous ones are not copied."""
    return [np.ascontiguousarray(image) for image in images.numpy()]
