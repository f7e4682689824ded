"""Compiled functions on batches of images: statistics that an image keeps, and values [B] in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fusionbench.metrics.compiled import arrays, edges, exposure, feature_information, levels, windows
from fusionbench.metrics.formulas.filters import gaussian
from fusionbench.metrics.image_cache import Image, Triple, values

VIF_WINDOWS = (17, 9, 5, 3)  # a Gaussian of a fifth of its size for each scale


class Local(NamedTuple):
    """Pixels of one scale, and mean and population variance in each window inside, float64 arrays [H, W]."""

    pixels: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    weights: np.ndarray


def per_image(values: Iterable[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float64)


def histogram(image: Image) -> Tensor:
    """Return the number of pixels at each level, float64 [B, 256]."""
    return torch.from_numpy(np.stack([levels.histogram(x) for x in arrays(image.levels)])).double()


def joint_histogram(image: Image, other: Image) -> Tensor:
    """Return the number of pixels at each pair of levels, float64 [B, 256 * 256]."""
    pairs = zip(arrays(image.levels), arrays(other.levels), strict=True)
    return torch.from_numpy(np.stack([levels.joint_histogram(x, y).ravel() for x, y in pairs])).double()


def squared_differences(image: Image) -> tuple[Tensor, Tensor]:
    """Return the sums of the squared differences of neighbours, within rows and within columns [B], exact."""
    across, down = zip(*(levels.squared_differences(x) for x in arrays(image.levels)), strict=True)
    return per_image(across), per_image(down)


def total_slope(image: Image) -> Tensor:
    """Return the sum of the slopes [B] from central differences, one-sided at the border."""
    return per_image(levels.slopes(x) for x in arrays(image.levels))


def visual_scales(image: Image, scale: float = 1.0) -> list[list[Local]]:
    """Return VIF's four scales of each image of a batch, levels divided by ``scale``."""
    return [list(_visual_scales(x if scale == 1.0 else x / scale)) for x in arrays(image.of(values))]


def _visual_scales(pixels: np.ndarray) -> Iterable[Local]:
    for size, weights in _visual_pyramid(pixels):
        mean, variance = windows.moments(size, weights, windows.FLAT)
        yield Local(size, mean, variance, weights)


def _visual_pyramid(pixels: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    for size in VIF_WINDOWS:
        weights = np.array(gaussian(size, size / 5))
        if size != VIF_WINDOWS[0]:
            pixels = windows.halved(pixels, weights)
        yield pixels, weights


def own_information(source: Image, scale: float, noise: float) -> Tensor:
    """Return the information that the visual system takes from a source [B], in nats."""
    images = source.of(visual_scales, scale)
    return per_image(sum(windows.information(local.variance, noise) for local in scales) for scales in images)


def visual_shares(triple: Triple, scale: float, noise: float) -> Tensor:
    """Return which share of each source's information the fused image keeps, [2, B]; NaN for a flat source."""
    a, b, fused = triple
    kept = np.zeros((2, len(fused.levels)))
    for k, (pixels, in_a, in_b) in enumerate(_with_sources(triple, scale)):
        for (small, _), x, y in zip(_visual_pyramid(pixels), in_a, in_b, strict=True):
            kept[:, k] += windows.preserved(small, *x[:3], *y, noise)
    return torch.from_numpy(kept) / torch.stack([x.of(own_information, scale, noise) for x in (a, b)])


def visual_sums_for_fusion(triple: Triple, noise: float) -> np.ndarray:
    """Return VIFF's information kept and present at each scale, [B, 4, 2], in nats."""
    return np.array(
        [
            [windows.follow_less(small, *x[:3], *y, noise) for (small, _), x, y in zip(_visual_pyramid(f), a, b, strict=True)]
            for f, a, b in _with_sources(triple, 1.0)
        ]
    )  # fmt: skip


def _with_sources(triple: Triple, scale: float) -> Iterable[tuple[np.ndarray, list[Local], list[Local]]]:
    fused = (x if scale == 1.0 else x / scale for x in arrays(triple.fused.of(values)))
    return zip(fused, triple.a.of(visual_scales, scale), triple.b.of(visual_scales, scale), strict=True)


def structure_moments(pixels: Tensor, weights: tuple[float, ...]) -> list[Local]:
    """Return the moments of each image of a batch [B, H, W]; no variance counts as 0."""
    taps = np.array(weights)
    moments = ((x, windows.moments(x, taps, -math.inf)) for x in arrays(pixels))
    return [Local(x, mean, variance, taps) for x, (mean, variance) in moments]


def structure_sums(x: list[Local], y: list[Local], luminance: float, contrast: float) -> Tensor:
    """Return the sum over the windows of the structural similarity [B]; without ``luminance`` (0) of contrast alone."""
    return per_image(
        windows.similarity(*local[:3], *other, luminance, contrast) for local, other in zip(x, y, strict=True)
    )


def own_edges(source: Image) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return strength and angle of the edges of each image of a batch, to be kept for all fused images."""
    return [edges.edges(x) for x in arrays(source.levels)]


def edge_strength(source: Image) -> Tensor:
    """Return the sum of the edge strengths [B]."""
    return per_image(strength.sum() for strength, _ in source.of(own_edges))


def edge_transfer(triple: Triple) -> Tensor:
    """Return the share of both sources' edge strength that the fused image keeps [B]."""
    a, b, fused = triple
    parts = zip(arrays(fused.levels), a.of(own_edges), b.of(own_edges), strict=True)
    kept = per_image(edges.preserved(f, *in_a, *in_b) for f, in_a, in_b in parts)
    return kept / (a.of(edge_strength) + b.of(edge_strength))


def artifact_share(triple: Triple) -> Tensor:
    """Return the weight of the fused image's edges beyond both sources, over the weight of the sources' edges [B]."""
    parts = zip(*(arrays(image.levels) for image in triple), strict=True)
    lost, total = np.array([edges.artifacts(*part) for part in parts]).T
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(lost / total)


def feature_shares(triple: Triple, feature: Callable[[Image], Tensor]) -> Tensor:
    """Return the sum over all windows and both sources of the information that feature maps share [B]."""
    parts = zip(*(arrays(image.of(feature)) for image in triple), strict=True)
    return per_image(feature_information.feature_information(*part) for part in parts)


def exposure_sums(a: Tensor, b: Tensor, fused: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Return MEF-SSIM's sum over the windows at one scale [B]."""
    taps = np.array(weights)
    return per_image(exposure.quality(*part, taps) for part in zip(*map(arrays, (a, b, fused)), strict=True))
