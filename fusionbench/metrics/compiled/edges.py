"""Qabf and Nabf of images [H, W]; `fusionbench.metrics.formulas.edges` and ``artifacts`` have the equations."""

from __future__ import annotations

import math

import numpy as np

from fusionbench.metrics.compiled.jit import arc_tangent, compiled, exponentials

FARTHEST = 300.0  # limit of exponents, which `exponentials` needs: beyond it a quality is 1 to the last digit


@compiled
def edge_row(
    strength: np.ndarray, angle: np.ndarray, upper: np.ndarray, row: np.ndarray, lower: np.ndarray
) -> None:
    """Compute strength and angle of the edges in a row of pixels from three padded rows, in place."""
    for j in range(len(strength)):
        left = upper[j] + 2.0 * row[j] + lower[j]
        right = upper[j + 2] + 2.0 * row[j + 2] + lower[j + 2]
        above = upper[j] + 2.0 * upper[j + 1] + upper[j + 2]
        below = lower[j] + 2.0 * lower[j + 1] + lower[j + 2]
        horizontal, vertical = left - right, below - above
        strength[j] = math.sqrt(horizontal * horizontal + vertical * vertical)
        angle[j] = arc_tangent(vertical, horizontal)


@compiled
def padded(x: np.ndarray) -> np.ndarray:
    """Return the levels with a border of one zero, float64 [H + 2, W + 2]."""
    out = np.zeros((x.shape[0] + 2, x.shape[1] + 2))
    out[1:-1, 1:-1] = x
    return out


@compiled
def edges(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return strength and angle of the edge at each pixel, float64 [H, W] each, with zeros beyond the border."""
    strength = np.empty(x.shape)
    angle = np.empty(x.shape)
    rows = padded(x)
    for i in range(x.shape[0]):
        edge_row(strength[i], angle[i], rows[i], rows[i + 1], rows[i + 2])
    return strength, angle


@compiled
def inverse_quality_row(
    inverse: np.ndarray, strength: np.ndarray, angle: np.ndarray, fused_strength: np.ndarray, fused_angle: np.ndarray,
    by_angle: np.ndarray, scratch: np.ndarray,
) -> None:  # fmt: skip
    """Compute 1 / Q_S of a row without the gains 0.9994 and 0.9879, in place.

    The inverse needs no division per factor; `preserved_edges` divides once for both sources.
    """
    for j in range(len(inverse)):
        s, f = strength[j], fused_strength[j]
        large, small = max(s, f), min(s, f)
        # equal strengths count as the strength itself, not as 1, as in the reference codes
        ratio = s if s == f else small / (large if large > 0.0 else 1.0)
        inverse[j] = max(-15.0 * (ratio - 0.5), -FARTHEST)
        by_angle[j] = 22.0 * (abs(angle[j] - fused_angle[j]) * (2.0 / math.pi) - (1.0 - 0.8))
    exponentials(inverse, scratch, inverse.view(np.int64))
    exponentials(by_angle, scratch, by_angle.view(np.int64))
    for j in range(len(inverse)):
        inverse[j] = (1.0 + inverse[j]) * (1.0 + by_angle[j])


@compiled
def preserved_edges(
    fused: np.ndarray,
    strength_a: np.ndarray,
    angle_a: np.ndarray,
    strength_b: np.ndarray,
    angle_b: np.ndarray,
) -> float:
    """Return sum(Q_A g_A + Q_B g_B), the numerator of Qabf."""
    height, width = fused.shape
    rows = padded(fused)
    strength, angle = np.empty(width), np.empty(width)
    # summed apart, so that swapping the sources changes no digit
    kept_a, kept_b = np.zeros(width), np.zeros(width)
    of_a, of_b, work, scratch = np.empty(width), np.empty(width), np.empty(width), np.empty(width, np.int64)
    for i in range(height):
        edge_row(strength, angle, rows[i], rows[i + 1], rows[i + 2])
        inverse_quality_row(of_a, strength_a[i], angle_a[i], strength, angle, work, scratch)
        inverse_quality_row(of_b, strength_b[i], angle_b[i], strength, angle, work, scratch)
        in_a, in_b = strength_a[i], strength_b[i]
        for j in range(width):
            inverse = 1.0 / (of_a[j] * of_b[j])
            kept_a[j] += in_a[j] * of_b[j] * inverse
            kept_b[j] += in_b[j] * of_a[j] * inverse
    return (kept_a.sum() + kept_b.sum()) * (0.9994 * 0.9879)


@compiled
def mirrored(x: np.ndarray) -> np.ndarray:
    """Return the levels with a border of one mirrored pixel, the edge pixel not repeated, float64 [H + 2, W + 2]."""
    height, width = x.shape
    out = np.empty((height + 2, width + 2))
    out[1:-1, 1:-1] = x
    out[0, 1:-1], out[-1, 1:-1] = x[1], x[height - 2]
    out[:, 0], out[:, -1] = out[:, 2], out[:, width - 1]
    return out


@compiled
def eighth_row(
    strength: np.ndarray, angle: np.ndarray, weight: np.ndarray,
    upper: np.ndarray, row: np.ndarray, lower: np.ndarray,
) -> None:  # fmt: skip
    """Compute Nabf's strength, angle and weight in a row of pixels, in place; Sobel / 8 of integer levels is exact."""
    for j in range(len(strength)):
        left = upper[j] + 2.0 * row[j] + lower[j]
        right = upper[j + 2] + 2.0 * row[j + 2] + lower[j + 2]
        above = upper[j] + 2.0 * upper[j + 1] + upper[j + 2]
        below = lower[j] + 2.0 * lower[j + 1] + lower[j + 2]
        across, down = (right - left) * 0.125, (below - above) * 0.125
        s = math.sqrt(across * across + down * down)
        slope = arc_tangent(across, down)
        strength[j] = s
        angle[j] = (0.0 if across == 0.0 else (slope if across > 0.0 else -slope)) if down == 0.0 else slope
        weight[j] = s * math.sqrt(s) if s >= 2.0 else 0.001


@compiled
def loss_row(
    lost: np.ndarray, strength: np.ndarray, angle: np.ndarray, weight: np.ndarray,
    fused_strength: np.ndarray, fused_angle: np.ndarray, by_strength: np.ndarray, by_angle: np.ndarray,
    scratch: np.ndarray,
) -> None:  # fmt: skip
    """Compute (1 - Q_S) w_S of Nabf in a row, in place."""
    for j in range(len(lost)):
        s, f = strength[j], fused_strength[j]
        large = max(s, f)
        ratio = min(s, f) / (large if large > 0.0 else 1.0)
        turn = abs(abs(angle[j] - fused_angle[j]) - math.pi / 2) * (2.0 / math.pi)
        by_strength[j] = -19.0 * (ratio - 0.5)
        by_angle[j] = -22.0 * (turn - 0.5)
    exponentials(by_strength, scratch, by_strength.view(np.int64))
    exponentials(by_angle, scratch, by_angle.view(np.int64))
    for j in range(len(lost)):
        kept = math.sqrt((0.9999 * 0.9995) / ((1.0 + by_strength[j]) * (1.0 + by_angle[j])))
        lost[j] = (1.0 - kept) * weight[j]


@compiled
def artifacts(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> tuple[float, float]:
    """Return numerator and denominator of Nabf."""
    height, width = fused.shape
    images = (mirrored(a), mirrored(b), mirrored(fused))
    edge = np.empty((3, 3, width))  # image, kind (strength, angle, weight), place
    lost, first, second = np.empty((2, width)), np.empty(width), np.empty(width)
    taken, total, scratch = np.zeros(width), np.zeros(width), np.empty(width, np.int64)
    for i in range(height):
        for k, image in enumerate(images):
            eighth_row(edge[k, 0], edge[k, 1], edge[k, 2], image[i], image[i + 1], image[i + 2])
        for k in range(2):
            loss_row(
                lost[k], edge[k, 0], edge[k, 1], edge[k, 2], edge[2, 0], edge[2, 1], first, second, scratch
            )
        for j in range(width):
            new = edge[2, 0, j] > edge[0, 0, j] and edge[2, 0, j] > edge[1, 0, j]
            taken[j] += lost[0, j] + lost[1, j] if new else 0.0
            total[j] += edge[0, 2, j] + edge[1, 2, j]
    return taken.sum(), total.sum()
