"""The nouns every part of fusionbench shares. Importing this module loads neither torch nor Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from torch import Tensor

Family = Literal["ir-vis", "medical", "sar-opt"]
FAMILIES: tuple[str, ...] = get_args(Family)


@dataclass(frozen=True)
class Pair:
    """Where one pair of registered source images lies.

    ``a`` is the one-channel source (infrared, SAR, MRI); ``b`` the source whose colour the result inherits
    (visible, optical, PET, SPECT, CT). ``label`` is a map of class numbers of the same size, where there is one, and
    ``boxes`` the file that bounding boxes are read from.
    """

    id: str
    a: Path
    b: Path
    label: Path | None = None
    boxes: Path | None = None


class PairBatch(NamedTuple):
    """A training batch. A NamedTuple because Lightning moves those to the device and refuses frozen dataclasses.

    ``a`` is float32 [B, 1, H, W] and ``b`` float32 [B, 1 or 3, H, W], both in [0, 1]; ``label`` is int64
    [B, H, W] and ``salient`` float32 [B, 1, H, W] in {0, 1}, or None where the data set has no label maps.
    """

    a: Tensor
    b: Tensor
    label: Tensor | None = None
    salient: Tensor | None = None
