"""Feature mutual information in plain NumPy and SciPy, a row of windows at a time; as in metrics_plain.py."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dctn
from scipy.special import xlogy

from fusionbench.metrics.formulas.features import meyer_filter

STATES = np.arange(1, 10)


def fmi_pixel(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return feature_information(a, b, fused, lambda x: x)


def fmi_gradient(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return feature_information(a, b, fused, lambda x: np.gradient(x, axis=1))


def fmi_dct(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return feature_information(a, b, fused, lambda x: dctn(x, norm="ortho"))


def fmi_wavelet(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    return feature_information(a, b, fused, wavelets)


def wavelets(x: np.ndarray) -> np.ndarray:
    """Return one level of the discrete Meyer wavelet transform, its quarters side by side, stretched to [0, 1]."""
    low = meyer_filter().numpy()
    high = low[::-1] * (-1.0) ** np.arange(1, len(low) + 1)
    upper, lower = (half_band(x, taps, axis=0) for taps in (low, high))
    tiled = np.block([[half_band(part, taps, axis=1) for part in (upper, lower)] for taps in (low, high)])
    return (tiled - tiled.min()) / (tiled.max() - tiled.min())


def half_band(x: np.ndarray, taps: np.ndarray, axis: int) -> np.ndarray:
    """Convolve along an axis, the image mirrored at its border, and take every second place."""
    reach = [(0, 0), (0, 0)]
    reach[axis] = (len(taps) - 1, len(taps) - 1)
    windows = sliding_window_view(np.pad(x, reach, mode="symmetric"), len(taps), axis=axis)
    return (windows[1::2] if axis == 0 else windows[:, 1::2]) @ taps[::-1]


def feature_information(
    a: np.ndarray, b: np.ndarray, fused: np.ndarray, feature: Callable[[np.ndarray], np.ndarray]
) -> float:
    maps = [feature(image.astype(np.float64)) for image in (a, b, fused)]
    rows = zip(*(sliding_window_view(image_map, (3, 3)) for image_map in maps), strict=True)
    total = count = 0
    for row in rows:
        x, y, f = (windows.transpose(0, 2, 1).reshape(len(windows), 9) for windows in row)
        total += np.sum(window_information(x, f)) + np.sum(window_information(y, f))
        count += 2 * len(x)
    return total / count


def window_information(source: np.ndarray, fused: np.ndarray) -> np.ndarray:
    """Return twice the shared information over the sum of the entropies; features [N, 9], result [N]."""
    x, y = stretched(source), stretched(fused)
    correlation = correlations(x, y)
    x, y = (image / image.sum(1, keepdims=True) for image in (x, y))
    joint = joint_chances(x, y, correlation)
    entropies = -np.sum(xlogy(x, x) + xlogy(y, y), axis=1)
    shared = entropies + np.sum(xlogy(joint, np.abs(joint)), axis=(1, 2))
    with np.errstate(invalid="ignore"):
        ratio = np.where(shared == 0, 0, 2 * shared / entropies)
    both_flat = (np.ptp(source, axis=1) == 0) & (np.ptp(fused, axis=1) == 0)  # alike once they are stretched
    return np.where((source == fused).all(1) | both_flat, 1, ratio)


def stretched(features: np.ndarray) -> np.ndarray:
    low, high = features.min(1, keepdims=True), features.max(1, keepdims=True)
    return np.where(high == low, 1, (features - low) / np.where(high == low, 1, high - low))


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = (image - image.mean(1, keepdims=True) for image in (x, y))
    product, spread = np.sum(x * y, axis=1), np.sum(x * x, axis=1) * np.sum(y * y, axis=1)
    return product / np.sqrt(np.where(spread == 0, 1, spread))


def joint_chances(x: np.ndarray, y: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Mix independence and the bound of Frechet so that the states have the correlation; [N, 9, 9]."""
    sum_x, sum_y = np.cumsum(x, axis=1)[:, :, None], np.cumsum(y, axis=1)[:, None]
    rising = correlation[:, None, None] >= 0
    bound = np.where(rising, np.minimum(sum_x, sum_y), np.maximum(sum_x + sum_y - 1, 0))
    covariance = np.sum(bound - sum_x * sum_y, axis=(1, 2))
    wanted = correlation * deviation(x) * deviation(y)
    part = np.where(wanted == 0, 0, wanted / np.where(wanted == 0, 1, covariance))[:, None, None]
    extreme = np.diff(np.diff(bound, axis=1, prepend=0), axis=2, prepend=0)
    return (1 - part) * x[:, :, None] * y[:, None] + part * extreme


def deviation(chances: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(chances @ STATES**2 - (chances @ STATES) ** 2, 0))


PLAIN = {
    "FMI_pixel": fmi_pixel,
    "FMI_gradient": fmi_gradient,
    "FMI_dct": fmi_dct,
    "FMI_wavelet": fmi_wavelet,
}
