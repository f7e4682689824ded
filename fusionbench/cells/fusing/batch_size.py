"""The batch size that a GPU's memory allows, for ``--batch-size auto``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from fusionbench.cells.fusing.forward import ForwardPass
from fusionbench.data.images import PairImages
from fusionbench.errors import ImageError
from fusionbench.method import FusionMethod
from fusionbench.types import Pair

LARGEST = 32  # beyond it GPUs gain nothing, while decoded images of three batches wait in memory
SHARE = 0.8  # of the free memory: fragments and larger pairs need some, too


def fitting_batch(
    method: FusionMethod, pairs: Sequence[Pair], load: Callable[[Pair], PairImages], device: str
) -> int:
    """Return how many pairs like the first readable one a GPU takes at once, a power of two up to `LARGEST`.

    It is extrapolated from the peaks of one pair and of two. Where even these fail, it is 1, and fusing tells why.
    """
    images = next(_readable(pairs, load), None)
    if images is None:
        return 1
    try:
        one, two = (_peak(method, [images] * count, device) for count in (1, 2))
    except Exception:  # a plug-in can raise anything
        return 1
    finally:
        torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    return batch_for(free, one, two)


def batch_for(free: int, one: int, two: int) -> int:
    """Return the batch size for ``free`` bytes, where one pair takes ``one`` bytes at its peak and two take ``two``."""
    more = max(0, int(SHARE * free) - one) // max(two - one, 1)
    return 1 << (min(LARGEST, 1 + more).bit_length() - 1)


def _readable(pairs: Sequence[Pair], load: Callable[[Pair], PairImages]) -> Iterator[PairImages]:
    for pair in pairs:
        try:
            yield load(pair)
        except ImageError:  # told when its turn comes
            continue


def _peak(method: FusionMethod, group: Sequence[PairImages], device: str) -> int:
    """Return the bytes that a forward pass takes at its peak, beyond those that are taken before it."""
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    ForwardPass(method, group, device).images()
    return torch.cuda.max_memory_allocated(device) - before
