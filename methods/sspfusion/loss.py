"""SSPFusion's structure losses (Eqs. 2 to 4 and 10); its fusion loss (Eqs. 11 to 14) is made of shared terms."""

from __future__ import annotations

from torch import Tensor

from fusionbench.losses import sobel

EPSILON = 1e-3  # of the Charbonnier distance, as printed
SMOOTH = 1e-3  # of the Dice distance


def structure_target(features: Tensor, invert: bool, threshold: str) -> Tensor:
    """Return 1 where a channel's Sobel strength is at most the threshold, else 0 (Eq. 2); no gradient flows through.

    The threshold is the mean over the channel: of its values, as printed ("feature"), or of its Sobel strength
    ("gradient"). As printed what is flat is 1; ``invert`` swaps 0 and 1, so that edges are.
    """
    values = features.detach()
    strength = sobel(values)
    mean = (values if threshold == "feature" else strength).mean((2, 3), keepdim=True)
    return ((strength > mean) if invert else (strength <= mean)).to(features.dtype)


def dice(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the Dice distance of two maps [B, C, H, W] (Eq. 4), 1 where they are equal, the mean over images.

    SMOOTH keeps it finite for an image whose target is empty: as printed, targets come close to that.
    """
    squares = found.square().mean((1, 2, 3)) + wanted.square().mean((1, 2, 3))
    return ((squares + SMOOTH) / (2 * (found * wanted).mean((1, 2, 3)) + SMOOTH)).mean()


def charbonnier(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean of sqrt(difference^2 + EPSILON^2), which is EPSILON where both are equal (Eq. 10)."""
    return ((found - wanted).square() + EPSILON**2).sqrt().mean()
