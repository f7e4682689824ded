"""DSIFuse's loss: masked intensity, Sobel gradients and semantic priors (Eqs. 12 to 16)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fusionbench.losses import local_variance


def normalized_variance(image: Tensor) -> Tensor:
    """Return the variance in 3x3 pixels, stretched to [0, 1] over each image [B, 1, H, W] (Eq. 14)."""
    variance = local_variance(image, 3)
    low, high = variance.amin((1, 2, 3), keepdim=True), variance.amax((1, 2, 3), keepdim=True)
    return (variance - low) / (high - low).clamp(min=1e-12)


def printed_masks(a: Tensor, b: Tensor, salient: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the masks of a and of b as printed (Eq. 13); both are 1 nearly everywhere."""
    mask_a, mask_b = normalized_variance(a), normalized_variance(b)
    if salient is not None:
        mask_a, mask_b = mask_a + salient, mask_b + 1 - salient
    return (mask_a > 0).to(a.dtype), (mask_b > 0).to(a.dtype)


def compared_masks(a: Tensor, b: Tensor, salient: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return masks that share the image: a where it is salient or varies more, b elsewhere.

    PSFusion's rule, with its Gaussian window of 9 pixels: under 3x3 pixels noise decides in flat areas.
    """
    mask = local_variance(a, 9, 1.5) > local_variance(b, 9, 1.5)
    if salient is not None:
        mask = mask | (salient > 0)
    return mask.to(a.dtype), (~mask).to(a.dtype)


def brighter_masks(a: Tensor, b: Tensor, salient: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return masks that share the image: a where it is salient or brighter, b elsewhere.

    Not the paper's: for data without label maps, where neither of the other rules finds the salient objects.
    """
    mask = a > b
    if salient is not None:
        mask = mask | (salient > 0)
    return mask.to(a.dtype), (~mask).to(a.dtype)


MASKS = {"printed": printed_masks, "compared": compared_masks, "brighter": brighter_masks}


def intensity(fused: Tensor, a: Tensor, b: Tensor, masks: tuple[Tensor, Tensor]) -> Tensor:
    """Compute the mean absolute difference from each source inside its mask (Eq. 12)."""
    mask_a, mask_b = masks
    return (mask_a * (fused - a).abs()).mean() + (mask_b * (fused - b).abs()).mean()


def semantic(priors: tuple[Tensor, Tensor], label: Tensor, classes: int) -> Tensor:
    """Compute the squared difference of both priors from the label map at the sizes of levels 3, 4 and 5 (Eq. 16).

    ``priors`` are logits [B, K, H/32, W/32], ``label`` class numbers [B, H, W]; numbers from K on are no class.
    """
    height, width = label.shape[-2:]
    one_hot = (label[:, None] == torch.arange(classes, device=label.device)[:, None, None]).to(
        priors[0].dtype
    )
    total = label.new_zeros((), dtype=priors[0].dtype)
    for level in (3, 4, 5):
        size = (height >> level, width >> level)
        truth = F.interpolate(one_hot, size=size, mode="nearest")
        for prior in priors:
            prediction = F.interpolate(prior.softmax(1), size=size, mode="bilinear", align_corners=False)
            total = total + (prediction - truth).square().sum(1).mean()
    return total
