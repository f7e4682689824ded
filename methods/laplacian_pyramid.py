"""Laplacian-pyramid fusion: the classical baseline that still wins tables.

Burt and Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications 1983,
doi 10.1109/TCOM.1983.1095851; fusion by choosing the stronger detail: Toet, "Image fusion by a ratio of low-pass
pyramid", Pattern Recognition Letters 1989, doi 10.1016/0167-8655(89)90003-2.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from fusionbench.method import FusionMethod

CARD = {
    "title": "Laplacian pyramid",
    "kind": "classical",
    "families": ["ir-vis", "medical", "sar-opt"],
    "summary": "Laplacian pyramid of each source's luma; the larger absolute detail wins, the base is averaged.",
    "reference": "Burt and Adelson 1983; Toet 1989",
    "doi": "10.1109/TCOM.1983.1095851",
    "expect": {"parameters": 0},
}

KERNEL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # Burt and Adelson's generating kernel, a = 3/8


class LaplacianPyramid(FusionMethod):
    """Fuse by the larger absolute detail. ``levels`` is the number of detail levels above the base."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical", "sar-opt"})

    def __init__(self, *, levels: int = 4) -> None:
        super().__init__()
        self.save_hyperparameters()

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        (details_a, base_a), (details_b, base_b) = (decompose(x, self.hparams.levels) for x in (a, b))
        fused = (base_a + base_b) / 2
        for x, y in zip(reversed(details_a), reversed(details_b), strict=True):
            fused = expand(fused, x) + torch.where(x.abs() >= y.abs(), x, y)
        return fused.clamp(0, 1)


def decompose(image: Tensor, levels: int) -> tuple[list[Tensor], Tensor]:
    """Return the details from fine to coarse and the base of an image [B, 1, H, W]."""
    details = []
    for _ in range(levels):
        smaller = blur(image)[..., ::2, ::2]
        details.append(image - expand(smaller, image))
        image = smaller
    return details, image


def blur(image: Tensor) -> Tensor:
    """Filter with the separable 5-tap kernel, borders repeated."""
    kernel = KERNEL.to(image)
    rows = F.conv2d(F.pad(image, (2, 2, 0, 0), mode="replicate"), kernel.view(1, 1, 1, 5))
    return F.conv2d(F.pad(rows, (0, 0, 2, 2), mode="replicate"), kernel.view(1, 1, 5, 1))


def expand(small: Tensor, like: Tensor) -> Tensor:
    """Double the size to that of ``like``; details hold what this interpolation misses, so any choice inverts."""
    return F.interpolate(small, size=like.shape[-2:], mode="bilinear", align_corners=False)
