"""Types that all parts of fusionbench share. Importing this module loads neither torch nor Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from torch import Tensor

Family = Literal["ir-vis", "medical", "sar-opt"]
FAMILIES: tuple[str, ...] = get_args(Family)
SEEDS = range(2**32)  # the seeds that NumPy and Lightning accept


@dataclass(frozen=True)
class Pair:
    """The files of one pair of registered source images.

    ``a`` is the one-channel source (infrared, SAR, MRI), ``b`` the source whose colour the result inherits (visible,
    optical, PET, SPECT, CT). ``label`` is a map of class numbers of the same size, ``boxes`` a file with bounding boxes;
    both are None if the data set has none.
    """

    id: str
    a: Path
    b: Path
    label: Path | None = None
    boxes: Path | None = None


class PairBatch(NamedTuple):
    """A training batch.

    ``a`` is float32 [B, 1, H, W] and ``b`` float32 [B, 1 or 3, H, W], both in [0, 1]. ``label`` (class numbers) is int64
    [B, H, W] and ``salient`` (mask of salient objects) float32 [B, 1, H, W] in {0, 1}; both are None if the data set has
    no label maps. It is a NamedTuple because Lightning moves these to the device and refuses frozen dataclasses.
    """

    a: Tensor
    b: Tensor
    label: Tensor | None = None
    salient: Tensor | None = None
