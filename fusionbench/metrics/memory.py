"""Settings of the memory allocator for processes that fuse or score many images."""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of <malloc.h>
# bytes: mallopt takes no larger number, and one block of LRRNet's at 640x480 pixels has 2.2 GB
KEPT = 2**31 - 1


def keep_freed_memory() -> None:
    """Make glibc keep up to 2 GiB of freed memory for the next layer or image; does nothing on other systems.

    By default it returns large blocks to the kernel and faults them in again page by page, which took a third of the CPU time
    of scoring 640x480 pixels with the default metrics. Of one pass at that size it took more than half of LRRNet's time (4.6
    million page faults), a fifth of U2Fusion's and RefineFuse's; 256 MiB are too few for their layers. The peak of a process
    grows, for LRRNet from 2.2 to 2.6 GB, because blocks of other sizes cannot always be used again.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, KEPT)
        mallopt(MMAP_THRESHOLD, KEPT)
