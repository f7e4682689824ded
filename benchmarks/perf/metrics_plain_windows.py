"""VIFF, Nabf, MS-SSIM and MEF-SSIM in plain NumPy and SciPy; as in metrics_plain.py."""

from __future__ import annotations

import numpy as np
from metrics_plain import Window, distortion, full, similarity
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import convolve2d

TINY = np.finfo(np.float64).eps
GENTLE_SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 8  # convolution turns it: right minus left


def viff(a: np.ndarray, b: np.ndarray, fused: np.ndarray, window: Window = full) -> float:
    a, b, fused = (image.astype(np.float64) for image in (a, b, fused))
    ratios = []
    for size in (17, 9, 5, 3):
        if size < 17:
            a, b, fused = (window(x, size, size / 5)[::2, ::2] for x in (a, b, fused))
        ratios.append(viff_of_scale(a, b, fused, size, window))
    return np.dot(ratios, (1, 0, 0.15, 1)) / 2.15


def viff_of_scale(a: np.ndarray, b: np.ndarray, fused: np.ndarray, size: int, window: Window) -> float:
    noise = 0.005 * 255**2
    gain_a, kept_a, held_a = information(*distortion(a, fused, size, window), noise)
    gain_b, kept_b, held_b = information(*distortion(b, fused, size, window), noise)
    less = gain_a < gain_b
    return np.sum(np.where(less, kept_a, kept_b) + 1e-7) / np.sum(np.where(less, held_a, held_b) + 1e-7)


def information(
    gain: np.ndarray, rest: np.ndarray, variance: np.ndarray, noise: float
) -> tuple[np.ndarray, ...]:
    """Return the gain, and the information kept and held at each pixel."""
    return gain, np.log10(1 + gain**2 * variance / (rest + noise)), np.log10(1 + variance / noise)


def nabf(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    edges_a, edges_b, fused_edges = map(mirrored_edges, (a, b, fused))
    weight_a, weight_b = edge_weight(edges_a[0]), edge_weight(edges_b[0])
    lost = weight_a * (1 - edge_kept(*edges_a, *fused_edges)) + weight_b * (
        1 - edge_kept(*edges_b, *fused_edges)
    )
    new = (fused_edges[0] > edges_a[0]) & (fused_edges[0] > edges_b[0])
    return np.sum(lost[new]) / np.sum(weight_a + weight_b)


def edge_weight(strength: np.ndarray) -> np.ndarray:
    return np.where(strength >= 2, strength**1.5, 0.001)


def mirrored_edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    padded = np.pad(image.astype(np.float64), 1, mode="reflect")
    across, down = (convolve2d(padded, kernel, mode="valid") for kernel in (GENTLE_SOBEL, GENTLE_SOBEL.T))
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.nan_to_num(np.arctan(across / down), nan=0.0)
    return np.sqrt(across**2 + down**2), angle


def edge_kept(
    strength: np.ndarray, angle: np.ndarray, fused_strength: np.ndarray, fused_angle: np.ndarray
) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        ratio = np.minimum(strength, fused_strength) / np.maximum(strength, fused_strength)
    ratio = np.nan_to_num(ratio, nan=0.0)
    turn = np.abs(np.abs(angle - fused_angle) - np.pi / 2) * 2 / np.pi
    by_strength = 0.9999 / (1 + np.exp(-19 * (ratio - 0.5)))
    return np.sqrt(by_strength * 0.9995 / (1 + np.exp(-22 * (turn - 0.5))))


def halved(x: np.ndarray) -> np.ndarray:
    """Return the means of 2x2 pixels, an odd last row or column repeated."""
    x = np.pad(x, [(0, side % 2) for side in x.shape], mode="edge")
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def ms_ssim(a: np.ndarray, b: np.ndarray, fused: np.ndarray, window: Window = full) -> float:
    f = fused.astype(np.float64)
    return sum(ms_ssim_of_pair(source.astype(np.float64), f, window) for source in (a, b))


def ms_ssim_of_pair(x: np.ndarray, y: np.ndarray, window: Window) -> float:
    result = 1.0
    for power in (0.0448, 0.2856, 0.3001, 0.2363):
        result *= max(np.mean(similarity(x, y, window)[1]), 0) ** power
        x, y = halved(x), halved(y)
    return result * max(np.mean(np.multiply(*similarity(x, y, window))), 0) ** 0.1333


def mef_ssim(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    images = [image.astype(np.float64) for image in (a, b, fused)]
    result = 1.0
    for power in (0.0448, 0.2856, 0.3001):
        rows = zip(*(sliding_window_view(image, (11, 11)) for image in images), strict=True)
        qualities = [exposure_quality(*(row.reshape(len(row), -1) for row in three)) for three in rows]
        result *= np.mean(qualities) ** (power / (0.0448 + 0.2856 + 0.3001))
        images = [halved(image) for image in images]
    return result


def exposure_quality(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> np.ndarray:
    """Return how well the patches that the sources' patches ask for are met; [N, 121] each."""
    a, b = (patches - patches.mean(1, keepdims=True) for patches in (a, b))
    wanted = desired(a, b)
    weights = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    weights = np.outer(weights, weights).ravel() / weights.sum() ** 2
    mean_w, mean_f = wanted @ weights, fused @ weights
    covariance = (wanted * fused) @ weights - mean_w * mean_f
    variances = (wanted**2) @ weights - mean_w**2 + (fused**2) @ weights - mean_f**2
    return (2 * covariance + (0.03 * 255) ** 2) / (variances + (0.03 * 255) ** 2)


def desired(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the patches of the strongest structure: the directions of the sources, weighted by consistency."""
    norm_a, norm_b, norm_sum = (np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b, a + b))
    consistency = np.minimum((norm_sum + TINY) / (norm_a + norm_b + TINY), 1 - TINY)
    power = np.minimum(np.tan(np.pi / 2 * consistency), 10)
    norm_a, norm_b = norm_a + 0.001, norm_b + 0.001
    weight_a, weight_b = (norm_a / 11) ** power + TINY, (norm_b / 11) ** power + TINY
    mixed = (weight_a * a / norm_a + weight_b * b / norm_b) / (weight_a + weight_b)
    length = np.linalg.norm(mixed, axis=1, keepdims=True)
    return mixed * np.maximum(norm_a, norm_b) / np.where(length > 0, length, 1)


PLAIN = {"VIFF": viff, "Nabf": nabf, "MS-SSIM": ms_ssim, "MEF-SSIM": mef_ssim}
