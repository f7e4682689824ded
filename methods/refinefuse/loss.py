"""RefineFuse's intensity losses (Eqs. 6, 7, 10 and 11); its texture loss (Eq. 8) is `strongest_gradient`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fusionbench.losses import local_deviation, local_variance

CONTRASTS = {"deviation": local_deviation, "variance": local_variance}


class MaskRule(NamedTuple):
    """How Eq. 6's mask is made.

    ``contrast`` is "deviation" (a pixel's squared difference from the mean around it, as the text says) or
    "variance" (the mean of these around a pixel, as in PSFusion's code); ``window`` and ``sigma`` are the Gaussian's
    in pixels. a must have more contrast than b by ``margin``, a difference of intensities in [0, 1] that is squared
    like the contrast: below it noise decides. ``brighter`` adds the pixels where a is brighter than b by more than
    that, in place of label maps; None adds none.
    """

    contrast: str = "deviation"
    window: int = 9
    sigma: float = 1.5
    margin: float = 0.0
    brighter: float | None = None


def infrared_mask(a: Tensor, b: Tensor, salient: Tensor | None, rule: MaskRule) -> Tensor:
    """Return 1 where a is salient or has more local contrast than b, else 0 (Eq. 6); its complement is b's mask."""
    contrast_a, contrast_b = (CONTRASTS[rule.contrast](x, rule.window, rule.sigma) for x in (a, b))
    mask = contrast_a > contrast_b + rule.margin**2
    if rule.brighter is not None:
        mask = mask | (a > b + rule.brighter)
    if salient is not None:
        mask = mask | (salient > 0)
    return mask.to(a.dtype)


def distance(x: Tensor, y: Tensor, norm: str) -> Tensor:
    """Return the mean absolute (l1) or mean squared (l2) difference."""
    return (x - y).abs().mean() if norm == "l1" else ((x - y) ** 2).mean()


def masked_intensity(fused: Tensor, a: Tensor, b: Tensor, mask: Tensor, norm: str) -> Tensor:
    """Compute the distance from a inside the mask plus that from b outside it (Eq. 7)."""
    return distance(mask * fused, mask * a, norm) + distance((1 - mask) * fused, (1 - mask) * b, norm)


def conventional_intensity(fused: Tensor, a: Tensor, b: Tensor, norm: str) -> Tensor:
    """Compute the mean distance from both sources (Eq. 10, setting A of Table 8; the formula is not in the text at hand)."""
    return (distance(fused, a, norm) + distance(fused, b, norm)) / 2


def maximum_intensity(fused: Tensor, a: Tensor, b: Tensor, norm: str) -> Tensor:
    """Compute the distance from the brighter source of each pixel (Eq. 11, setting B of Table 8)."""
    return distance(fused, torch.maximum(a, b), norm)
