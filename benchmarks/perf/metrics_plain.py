"""Metrics in plain NumPy and SciPy, straight from their definitions: what fusionbench's are timed beside.

Each takes uint8 arrays [H, W] and returns one number, and shares no work with another.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import correlate1d
from scipy.signal import convolve2d

Window = Callable[[np.ndarray, int, float], np.ndarray]
SOBEL = np.array(
    [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
)  # left minus right; turned and negated, lower minus upper


def gaussian(size: int, sigma: float) -> np.ndarray:
    weights = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    return weights / weights.sum()


def full(x: np.ndarray, size: int, sigma: float) -> np.ndarray:
    """Weight by a 2-D Gaussian kernel, at the places where it lies inside the image."""
    weights = gaussian(size, sigma)
    return convolve2d(x, np.outer(weights, weights), mode="valid")


def separable(x: np.ndarray, size: int, sigma: float) -> np.ndarray:
    """Return what `full` returns, from a pass over the columns and one over the rows."""
    weights, inside = gaussian(size, sigma), slice(size // 2, -(size // 2))
    return correlate1d(correlate1d(x, weights, axis=0), weights, axis=1)[inside, inside]


def local_moments(
    x: np.ndarray, y: np.ndarray, size: int, sigma: float, window: Window
) -> tuple[np.ndarray, ...]:
    """Return both means, both variances and the covariance in each window."""
    mean_x, mean_y = window(x, size, sigma), window(y, size, sigma)
    variance_x = window(x * x, size, sigma) - mean_x**2
    variance_y = window(y * y, size, sigma) - mean_y**2
    return mean_x, mean_y, variance_x, variance_y, window(x * y, size, sigma) - mean_x * mean_y


def en(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return entropy(np.histogram(fused, bins=256, range=(0, 256))[0])


def entropy(counts: np.ndarray) -> float:
    """Return the entropy of a histogram in bits."""
    shares = counts[counts > 0] / counts.sum()
    return -np.sum(shares * np.log2(shares))


def sd(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return fused.std()


def sf(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    x = fused.astype(np.float64)
    return np.sqrt(np.mean(np.diff(x, axis=0) ** 2) + np.mean(np.diff(x, axis=1) ** 2))


def ag(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    down, across = np.gradient(fused.astype(np.float64))
    height, width = fused.shape
    return np.sum(np.sqrt((down**2 + across**2) / 2)) / ((height - 1) * (width - 1))


def mi(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return sum(information(source, fused)[0] for source in (a, b))


def nmi(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    shares = (information(source, fused) for source in (a, b))
    return sum(2 * shared / entropies for shared, entropies in shares)


def information(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return mutual information and the sum of both entropies, in bits."""
    joint = np.histogram2d(x.ravel(), y.ravel(), bins=256, range=((0, 256), (0, 256)))[0]
    entropies = entropy(joint.sum(0)) + entropy(joint.sum(1))
    return entropies - entropy(joint), entropies


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    return np.corrcoef(x.ravel(), y.ravel())[0, 1]


def cc(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return (pearson(a, fused) + pearson(b, fused)) / 2


def scd(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    x, y, f = (image.astype(np.float64) for image in (a, b, fused))
    return pearson(f - y, x) + pearson(f - x, y)


def vif(a: np.ndarray, b: np.ndarray, fused: np.ndarray, window: Window = full) -> float:
    return sum(vifp(source.astype(np.float64), fused.astype(np.float64), window) for source in (a, b))


def vifp(source: np.ndarray, fused: np.ndarray, window: Window) -> float:
    kept = held = 0.0
    for size in (17, 9, 5, 3):
        if size < 17:
            source, fused = (window(x, size, size / 5)[::2, ::2] for x in (source, fused))
        gain, rest, variance = distortion(source, fused, size, window)
        kept += np.sum(np.log10(1 + gain**2 * variance / (rest + 2)))
        held += np.sum(np.log10(1 + variance / 2))
    return kept / held


def distortion(
    source: np.ndarray, fused: np.ndarray, size: int, window: Window
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gain and variance of the rest in fused = gain * source + rest, and the variance of the source."""
    _, _, variance, other, covariance = local_moments(source, fused, size, size / 5, window)
    variance, other = (np.where(x < 1e-10, 0, x) for x in (variance, other))
    gain = np.where((variance == 0) | (other == 0), 0, np.maximum(covariance / (variance + 1e-10), 0))
    return gain, np.maximum(other - gain * covariance, 1e-10), variance


def qabf(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    (strength_a, angle_a), (strength_b, angle_b), fused_edges = map(edges, (a, b, fused))
    kept = strength_a * edge_quality(strength_a, angle_a, *fused_edges)
    kept += strength_b * edge_quality(strength_b, angle_b, *fused_edges)
    return np.sum(kept) / np.sum(strength_a + strength_b)


def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    across, down = (convolve2d(image.astype(np.float64), kernel, mode="same") for kernel in (SOBEL, -SOBEL.T))
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.where(across == 0, np.pi / 2, np.arctan(down / across))
    return np.sqrt(across**2 + down**2), angle


def edge_quality(
    strength: np.ndarray, angle: np.ndarray, fused_strength: np.ndarray, fused_angle: np.ndarray
) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        ratio = np.minimum(strength, fused_strength) / np.maximum(strength, fused_strength)
    ratio = np.where(strength == fused_strength, strength, ratio)
    turn = 1 - np.abs(angle - fused_angle) / (np.pi / 2)
    return 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (turn - 0.8)))


def ssim(a: np.ndarray, b: np.ndarray, fused: np.ndarray, window: Window = full) -> float:
    f = fused.astype(np.float64)
    return sum(np.mean(np.multiply(*similarity(source.astype(np.float64), f, window))) for source in (a, b))


def similarity(x: np.ndarray, y: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return how alike means are, and how alike contrast and structure, in each window."""
    mean_x, mean_y, variance_x, variance_y, covariance = local_moments(x, y, 11, 1.5, window)
    small, large = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    means = (2 * mean_x * mean_y + small) / (mean_x**2 + mean_y**2 + small)
    return means, (2 * covariance + large) / (variance_x + variance_y + large)


def mse(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return np.mean([np.mean((source.astype(np.float64) - fused) ** 2) for source in (a, b)])


def rmse(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return np.sqrt(mse(a, b, fused))


def psnr(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return 10 * np.log10(255**2 / mse(a, b, fused))


PLAIN = {
    "EN": en,
    "SD": sd,
    "SF": sf,
    "AG": ag,
    "MI": mi,
    "CC": cc,
    "SCD": scd,
    "VIF": vif,
    "Qabf": qabf,
    "SSIM": ssim,
    "NMI": nmi,
    "MSE": mse,
    "RMSE": rmse,
    "PSNR": psnr,
}
