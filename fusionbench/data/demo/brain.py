"""Generated brain phantoms: an MRI-like slice with folds, and a PET-like map of uptake in pseudo-colour."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from fusionbench.data.demo.canvas import Scene, ellipse, fractal, glow, grid, texture, to_uint8

# black - blue - cyan - green - yellow - red, as PET consoles show uptake
STOPS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
COLORS = np.array(
    [[0, 0, 0], [0.1, 0.1, 0.7], [0, 0.7, 0.8], [0.2, 0.8, 0.2], [0.95, 0.85, 0.1], [0.95, 0.15, 0.05]]
)


def brain_pair(rng: np.random.Generator, height: int, width: int) -> Scene:
    """Return a brain slice with a MRI and b PET in pseudo-colour."""
    y, x = grid(height, width)
    cy, cx = height * rng.uniform(0.48, 0.52), width * rng.uniform(0.48, 0.52)
    ry, rx = height * rng.uniform(0.36, 0.41), width * rng.uniform(0.29, 0.34)
    radius = np.hypot((y - cy) / ry, (x - cx) / rx) + 0.012 * texture(rng, y.shape, 12)
    gray = _gray_matter(rng, radius, x - cx)
    ventricles = _ventricles(rng, y - cy, x - cx, ry, rx)
    return Scene(
        to_uint8(_mri(rng, radius, gray, ventricles)),
        _pet(rng, y - cy, x - cx, radius, gray, ventricles, (ry, rx)),
        ("MRI", "PET"),
    )


def _gray_matter(rng: np.random.Generator, radius: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Return the cortex, [H, W] in [0, 1]: a folded band at the rim with the fissure between the hemispheres."""
    folds = np.abs(fractal(rng, radius.shape, 7, octaves=2)) < 0.35
    band = (radius < 0.93) & (radius > 0.60 + 0.05 * texture(rng, radius.shape, 9))
    fissure = (np.abs(across) < 1.6) & (radius < 0.9) & (radius > 0.25)
    return np.where(band, np.where(folds, 0.25, 1.0), 0.0) * ~fissure


def _ventricles(rng: np.random.Generator, dy: np.ndarray, dx: np.ndarray, ry: float, rx: float) -> np.ndarray:
    spread = rng.uniform(0.11, 0.16) * rx
    horns = [ellipse(dy, dx + s * 0.10 * dy * s, 0, s * spread, 0.24 * ry, 0.09 * rx) for s in (-1, 1)]
    return horns[0] | horns[1]


def _mri(
    rng: np.random.Generator, radius: np.ndarray, gray: np.ndarray, ventricles: np.ndarray
) -> np.ndarray:
    inside = radius < 0.93
    image = np.where(inside, 0.62 + 0.02 * fractal(rng, radius.shape, 5), 0.0)
    image = np.where(gray > 0.5, 0.42, image)
    image = np.where(inside & (gray > 0) & (gray < 0.5), 0.14, image)
    image = np.where(ventricles, 0.08, image)
    image = np.where(
        (radius > 1.06) & (radius < 1.16), 0.80, image
    )  # fat under the skin; the skull stays dark
    field = 1 + 0.08 * texture(rng, radius.shape, 60)
    image = gaussian_filter(image, 0.7) * field
    noise = np.hypot(0.012 * rng.standard_normal(radius.shape), 0.012 * rng.standard_normal(radius.shape))
    return np.where(radius < 1.2, image + noise, 0.3 * noise)


def _pet(
    rng: np.random.Generator,
    dy: np.ndarray,
    dx: np.ndarray,
    radius: np.ndarray,
    gray: np.ndarray,
    ventricles: np.ndarray,
    axes: tuple[float, float],
) -> np.ndarray:
    """Return the uptake with foci, blurred to a PET camera's resolution, in pseudo-colour, uint8 [H, W, 3]."""
    uptake = np.where(radius < 0.93, 0.28 + 0.55 * gray, 0.0) * ~ventricles
    for side in (-1, 1):
        uptake += 0.45 * glow(dy, dx, 0.05 * axes[0], side * 0.28 * axes[1], 0.10 * axes[1])
    for _ in range(rng.integers(1, 4)):
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.7)
        focus = glow(
            dy, dx, distance * axes[0] * np.sin(angle), distance * axes[1] * np.cos(angle), rng.uniform(5, 11)
        )
        uptake += rng.uniform(-0.35, 0.6) * focus
    uptake = gaussian_filter(np.clip(uptake, 0, None), 4.0)
    uptake = np.clip(
        uptake / uptake.max() + 0.01 * gaussian_filter(rng.standard_normal(uptake.shape), 1.5), 0, 1
    )
    return to_uint8(np.stack([np.interp(uptake, STOPS, COLORS[:, c]) for c in range(3)], axis=-1))
