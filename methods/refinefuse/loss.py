"""RefineFuse's intensity losses (Eqs. 6, 7, 10 and 11); its texture loss (Eq. 8) is `strongest_gradient`."""

from __future__ import annotations

import torch
from torch import Tensor

from fusionbench.losses import local_variance


def infrared_mask(a: Tensor, b: Tensor, salient: Tensor | None, window: int, sigma: float) -> Tensor:
    """Return 1 where a is salient or has more local contrast than b, else 0 (Eq. 6); its complement is b's mask."""
    mask = local_variance(a, window, sigma) > local_variance(b, window, sigma)
    if salient is not None:
        mask = mask | (salient > 0)
    return mask.to(a.dtype)


def distance(x: Tensor, y: Tensor, norm: str) -> Tensor:
    """Return the mean absolute (l1) or mean squared (l2) difference."""
    return (x - y).abs().mean() if norm == "l1" else ((x - y) ** 2).mean()


def masked_intensity(fused: Tensor, a: Tensor, b: Tensor, mask: Tensor, norm: str) -> Tensor:
    """Follow a inside the mask and b outside it (Eq. 7)."""
    return distance(mask * fused, mask * a, norm) + distance((1 - mask) * fused, (1 - mask) * b, norm)


def conventional_intensity(fused: Tensor, a: Tensor, b: Tensor, norm: str) -> Tensor:
    """Follow both sources alike (Eq. 10, setting A of Table 8; the formula is not in the text at hand)."""
    return (distance(fused, a, norm) + distance(fused, b, norm)) / 2


def maximum_intensity(fused: Tensor, a: Tensor, b: Tensor, norm: str) -> Tensor:
    """Follow the brighter source (Eq. 11, setting B of Table 8)."""
    return distance(fused, torch.maximum(a, b), norm)
