"""CSP-MCIN's loss for one modality: correlation of pixels, and agreement of CLIP features and embeddings.

The weights are those of the paper's Table A1. ``card.yaml`` says what only the released code shows.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from fusionbench.methods.csp_mcin.towers import Tower
from torch import Tensor

from fusionbench.data.color import rgb_to_ycbcr, ycbcr_to_rgb

DIRECT, RESIDUAL = 0.4, 0.6  # of the correlation loss
FEATURES, CONTRAST = 0.7, 0.3  # of the semantic loss
LEVELS = (0.5, 0.2, 0.1, 0.1, 0.1)  # stem and four stages of a tower
SHARPNESS = 20.0  # of the soft clamp
TEMPERATURE = 0.07
EPSILON = 1e-10  # beside the product of the two lengths, outside any root

Distance = Literal["mean", "squared_norm"]


def soft_clamp(x: Tensor) -> Tensor:
    """Bend values into (0, 1) with a gradient everywhere; in between they hardly change."""
    return F.softplus(x, SHARPNESS) - F.softplus(x - 1, SHARPNESS)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Return Pearson's correlation over the pixels, the mean over images; 0 where one of them is constant.

    Images of any contrast count alike: calm water of a standard deviation of 0.002 as much as a city.
    """
    x, y = (z - z.mean((2, 3), keepdim=True) for z in (x, y))
    # a norm has a gradient of 0 at 0, where the root of a product of squares has none
    lengths = torch.linalg.vector_norm(x, dim=(2, 3)) * torch.linalg.vector_norm(y, dim=(2, 3))
    return ((x * y).sum((2, 3)) / (lengths + EPSILON)).mean()


def correlation_loss(fused: Tensor, source: Tensor, other: Tensor, residual: bool) -> Tensor:
    """Ask for the source in the fused image, and with ``residual`` in what the other source leaves unexplained."""
    direct = DIRECT * (1 - correlation(fused, source))
    return direct + RESIDUAL * (1 - correlation(fused - other, source)) if residual else direct


def semantic_loss(tower: Tower, fused: Tensor, source: Tensor, distance: Distance = "mean") -> Tensor:
    """Ask a frozen tower for the same of two RGB images [B, 3, H, W] in [0, 1]: features at five levels, embedding."""
    seen = tower(fused)
    with torch.no_grad():
        wanted = tower(source)
    levels = zip(LEVELS, seen.features, wanted.features, strict=True)
    features = sum(weight * feature_distance(x, y, distance) for weight, x, y in levels)
    return FEATURES * features + CONTRAST * info_nce(seen.embedding, wanted.embedding)


def feature_distance(x: Tensor, y: Tensor, distance: Distance) -> Tensor:
    """Compare two maps [B, C, H, W]: mean squared difference of the values, or squared Euclidean norm of an image's."""
    if distance == "mean":
        return F.mse_loss(x, y)
    return (x - y).square().sum((1, 2, 3)).mean()


def info_nce(anchors: Tensor, candidates: Tensor) -> Tensor:
    """Ask each anchor [B, D] to be nearest to its own candidate among those of the batch; 0 for a batch of one."""
    similarity = F.normalize(anchors, dim=1) @ F.normalize(candidates, dim=1).T
    return F.cross_entropy(similarity / TEMPERATURE, torch.arange(len(anchors), device=anchors.device))


def with_chroma(luma: Tensor, rgb: Tensor) -> Tensor:
    """Give a luma [B, 1, H, W] the chroma of an image [B, 3, H, W], as RGB bent into [0, 1]."""
    _, cb, cr = rgb_to_ycbcr(*rgb.split(1, dim=1))
    return soft_clamp(torch.cat(ycbcr_to_rgb(luma, cb, cr), dim=1))
