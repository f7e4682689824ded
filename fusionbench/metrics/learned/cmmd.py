"""CMMD and CMMDF: the distance between the set of fused images and the sets of sources in embeddings of CLIP models."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fusionbench.metrics.learned.mmd import Kernel, draw_scenes, interval, resampled_mmd
from fusionbench.metrics.registry import metric


class Views(NamedTuple):
    """Embeddings, float32 [N, D], of the N scenes of a set: each source, and the fused images by that source's tower."""

    a: np.ndarray
    fused_by_a: np.ndarray
    b: np.ndarray
    fused_by_b: np.ndarray


class Estimate(NamedTuple):
    """A value with its 95 % interval from resampling the scenes."""

    value: float
    low: float
    high: float


@metric(
    name="CMMD",
    title="CLIP maximum mean discrepancy",
    better="lower",
    unit="10^-3",
    range=(0, None),
    convention="one value for a set: mean over the sources of the squared discrepancy to the fused images, CLIP "
    "ViT-L/14 at 336 pixels, unit length, Gaussian kernel with sigma 10, biased, times 1000",
    doi="10.1109/CVPR52733.2024.00889",
    per="set",
    planes="rgb",
    weights=("clip-vit-l-14-336",),
)
def clip_discrepancy(views: Views, kernel: Kernel) -> Estimate:
    """Return (MMD^2(A, F) + MMD^2(B, F)) / 2 * 1000 with one tower for all images, at least 0.

    MMD^2 as in `fusionbench.metrics.learned.mmd`. Source: Jayasumana et al. 2024.
    """
    return mean_discrepancy(views, kernel)


@metric(
    name="CMMDF",
    title="CLIP maximum mean discrepancy for fusion",
    better="lower",
    unit="10^-3",
    range=(0, None),
    convention="one value for a set: as CMMD, source a seen by SARCLIP RN50 and source b by RemoteCLIP RN50; kernel "
    "and scale assumed to be CMMD's",
    doi="10.3390/rs18070975",
    per="set",
    planes="rgb",
    weights=("sarclip-rn50", "remoteclip-rn50"),
)
def clip_discrepancy_for_fusion(views: Views, kernel: Kernel) -> Estimate:
    """Return (MMD^2(A, F) + MMD^2(B, F)) / 2 * 1000 with a tower of its own for each source, at least 0.

    Source: CSP-MCIN, with the assumptions that its profile lists.
    """
    return mean_discrepancy(views, kernel)


def mean_discrepancy(views: Views, kernel: Kernel) -> Estimate:
    """Return the mean over the sources with its interval; both sources are resampled by the same scenes."""
    draws = draw_scenes(len(views.a))
    a = resampled_mmd(views.a, views.fused_by_a, draws, kernel)
    b = resampled_mmd(views.b, views.fused_by_b, draws, kernel)
    return Estimate((a.value + b.value) / 2, *interval((a.resamples + b.resamples) / 2))
