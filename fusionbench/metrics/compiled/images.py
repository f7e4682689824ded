"""Compiled functions applied to batches of images: statistics to be cached by an image, and values, float64 [B]."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fusionbench.metrics.compiled import arrays, edges, exposure, feature_information, levels, windows
from fusionbench.metrics.formulas.filters import gaussian_weights
from fusionbench.metrics.image_cache import Image, Triple, values

VIF_WINDOWS = (17, 9, 5, 3)  # side of the window at each scale, whose Gaussian has a fifth of it as sigma


class Local(NamedTuple):
    """The pixels of one scale, with mean and population variance in each window inside, float64 arrays [h, w]."""

    pixels: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    weights: np.ndarray


def per_image(values: Iterable[float]) -> Tensor:
    """Return one number per image as float64 [B]."""
    return torch.tensor(list(values), dtype=torch.float64)


def squared_differences(image: Image) -> tuple[Tensor, Tensor]:
    """Return the sums of squared differences of horizontal and of vertical neighbours, float64 [B] each, exact."""
    across, down = zip(*(levels.squared_differences(x) for x in arrays(image.levels)), strict=True)
    return per_image(across), per_image(down)


def total_slope(image: Image) -> Tensor:
    """Return the sum of the slopes of AG, float64 [B]."""
    return per_image(levels.slopes(x) for x in arrays(image.levels))


def visual_scales(image: Image, scale: float = 1.0) -> list[list[Local]]:
    """Return the four scales of VIF for each image of a batch, with levels divided by ``scale``."""
    return [list(_visual_scales(x if scale == 1.0 else x / scale)) for x in arrays(image.of(values))]


def _visual_scales(pixels: np.ndarray) -> Iterable[Local]:
    for size, weights in _visual_pyramid(pixels):
        mean, variance = windows.moments(size, weights, windows.FLAT)
        yield Local(size, mean, variance, weights)


def _visual_pyramid(pixels: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    for size in VIF_WINDOWS:
        weights = np.array(gaussian_weights(size, size / 5))
        if size != VIF_WINDOWS[0]:
            pixels = windows.smoothed_and_halved(pixels, weights)
        yield pixels, weights


def own_information(source: Image, scale: float, noise: float) -> Tensor:
    """Return sum log(1 + v_S / n) of VIF, float64 [B], in nats."""
    images = source.of(visual_scales, scale)
    return per_image(sum(windows.information(local.variance, noise) for local in scales) for scales in images)


def visual_shares(triple: Triple, scale: float, noise: float) -> Tensor:
    """Return VIFp(A, F) and VIFp(B, F), float64 [2, B]; NaN for a source without texture."""
    a, b, fused = triple
    kept = np.zeros((2, len(fused.levels)))
    for k, (pixels, in_a, in_b) in enumerate(_with_sources(triple, scale)):
        for (small, _), x, y in zip(_visual_pyramid(pixels), in_a, in_b, strict=True):
            kept[:, k] += windows.preserved_information(small, *x[:3], *y, noise)
    return torch.from_numpy(kept) / torch.stack([x.of(own_information, scale, noise) for x in (a, b)])


def visual_sums_for_fusion(triple: Triple, noise: float) -> np.ndarray:
    """Return the sums in numerator and denominator of VIFF at each scale, float64 [B, 4, 2], in nats."""
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
    """Return the moments of each image of a batch [B, H, W]; unlike for VIF, small variances are not set to 0."""
    taps = np.array(weights)
    moments = ((x, windows.moments(x, taps, -math.inf)) for x in arrays(pixels))
    return [Local(x, mean, variance, taps) for x, (mean, variance) in moments]


def structure_sums(x: list[Local], y: list[Local], luminance: float, contrast: float) -> Tensor:
    """Return the sum of SSIM over the windows, float64 [B]; with ``luminance`` 0 the sum of contrast and structure."""
    return per_image(
        windows.similarity(*local[:3], *other, luminance, contrast) for local, other in zip(x, y, strict=True)
    )


def own_edges(source: Image) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return strength and angle of the edges of each image of a batch, to be cached for all fused images."""
    return [edges.edges(x) for x in arrays(source.levels)]


def edge_strength(source: Image) -> Tensor:
    """Return sum(g_S) of Qabf, float64 [B]."""
    return per_image(strength.sum() for strength, _ in source.of(own_edges))


def edge_transfer(triple: Triple) -> Tensor:
    """Return Qabf, float64 [B]."""
    a, b, fused = triple
    parts = zip(arrays(fused.levels), a.of(own_edges), b.of(own_edges), strict=True)
    kept = per_image(edges.preserved_edges(f, *in_a, *in_b) for f, in_a, in_b in parts)
    return kept / (a.of(edge_strength) + b.of(edge_strength))


def artifact_share(triple: Triple) -> Tensor:
    """Return Nabf, float64 [B]; NaN where both weights are 0."""
    parts = zip(*(arrays(image.levels) for image in triple), strict=True)
    lost, total = np.array([edges.artifacts(*part) for part in parts]).T
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(lost / total)


def feature_shares(triple: Triple, feature: Callable[[Image], Tensor]) -> Tensor:
    """Return the sum of FMI's terms over all windows and both sources, float64 [B]."""
    parts = zip(*(arrays(image.of(feature)) for image in triple), strict=True)
    return per_image(feature_information.feature_information(*part) for part in parts)


def exposure_sums(a: Tensor, b: Tensor, fused: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Return the sum of MEF-SSIM's quality over the windows at one scale, float64 [B]."""
    taps = np.array(weights)
    return per_image(exposure.quality(*part, taps) for part in zip(*map(arrays, (a, b, fused)), strict=True))
