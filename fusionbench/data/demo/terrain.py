"""Generated landscapes from above: an optical image with clouds, and radar with speckle and double bounce."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from fusionbench.data.demo.canvas import Scene, box, fractal, grid, texture, to_uint8

LOOKS = 4  # speckle of a four-look intensity image
CROPS = np.array(
    [[0.36, 0.45, 0.22], [0.55, 0.50, 0.30], [0.25, 0.38, 0.18], [0.62, 0.55, 0.40], [0.42, 0.52, 0.28]]
)
FOREST, WATER, ROAD, ROOF = np.array([0.13, 0.24, 0.12]), np.array([0.12, 0.20, 0.26]), 0.58, 0.72


def terrain_pair(rng: np.random.Generator, height: int, width: int) -> Scene:
    """Return a landscape: a SAR, b optical."""
    y, x = grid(height, width)
    optical, radar = _fields(rng, y, x)
    _forest(rng, optical, radar)
    _roads(rng, y, x, optical, radar)
    _river(rng, y, x, optical, radar)
    _buildings(rng, y, x, optical, radar)
    optical = optical + 0.015 * texture(rng, y.shape, 0.6)[..., None]
    radar = np.maximum(radar, 0.002)  # the noise floor of the receiver
    speckle = rng.gamma(LOOKS, 1 / LOOKS, y.shape)
    backscatter = gaussian_filter(radar * speckle, 0.5)
    return Scene(to_uint8(np.sqrt(backscatter)), to_uint8(_clouds(rng, optical)), ("sar", "opt"))


def _fields(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide the ground into fields, the cells of a Voronoi diagram, each with a crop and its furrows."""
    seeds = rng.uniform(0, 1, (28, 2)) * y.shape
    nearest = np.argmin([(y - sy) ** 2 + (1.6 * (x - sx)) ** 2 for sy, sx in seeds], axis=0)
    crop, angle = rng.integers(0, len(CROPS), 28), rng.uniform(0, np.pi, 28)
    roughness = rng.uniform(0.02, 0.14, 28)
    furrows = np.sin(0.9 * (x * np.cos(angle[nearest]) + y * np.sin(angle[nearest])))
    optical = CROPS[crop[nearest]] + 0.025 * furrows[..., None] + 0.03 * fractal(rng, y.shape, 10)[..., None]
    return optical, roughness[nearest] * (1 + 0.15 * furrows)


def _forest(rng: np.random.Generator, optical: np.ndarray, radar: np.ndarray) -> None:
    trees = fractal(rng, radar.shape, 26) > 1.0
    crowns = texture(rng, radar.shape, 1.4)
    optical[trees] = (FOREST + 0.035 * crowns[..., None])[trees]
    radar[trees] = (0.20 + 0.05 * crowns)[trees]


def _roads(
    rng: np.random.Generator, y: np.ndarray, x: np.ndarray, optical: np.ndarray, radar: np.ndarray
) -> None:
    for _ in range(rng.integers(2, 4)):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-60, 60)
        across = (x - x.shape[1] / 2) * np.cos(angle) + (y - y.shape[0] / 2) * np.sin(angle) - offset
        road = np.abs(across) < 2.2
        optical[road], radar[road] = ROAD, 0.012


def _river(
    rng: np.random.Generator, y: np.ndarray, x: np.ndarray, optical: np.ndarray, radar: np.ndarray
) -> None:
    """Lay a winding river: smooth water mirrors the pulse away, so radar sees it black."""
    bend = rng.uniform(15, 35) * np.sin(y / rng.uniform(25, 45) + rng.uniform(0, 6))
    river = np.abs(x - x.shape[1] * rng.uniform(0.25, 0.75) - bend) < rng.uniform(6, 13)
    optical[river], radar[river] = WATER, 0.004


def _buildings(
    rng: np.random.Generator, y: np.ndarray, x: np.ndarray, optical: np.ndarray, radar: np.ndarray
) -> None:
    """Set houses in blocks; wall and ground reflect the pulse straight back along the side that faces the radar."""
    top, left = rng.uniform(20, y.shape[0] - 110), rng.uniform(20, x.shape[1] - 110)
    for row in np.arange(top, top + 85, 17):
        for column in np.arange(left, left + 85, 19):
            if rng.random() < 0.25:
                continue
            height, width = rng.uniform(7, 12), rng.uniform(8, 14)
            roof = box(y, x, row, column, height, width)
            optical[roof] = ROOF + rng.uniform(-0.2, 0.15) + np.array([0.08, 0, -0.05]) * rng.uniform(0, 1)
            optical[box(y, x, row + height, column, 2, width)] = 0.12  # shadow of the house
            radar[roof] = 0.22
            radar[box(y, x, row, column - 2, height, 2)] = rng.uniform(0.7, 1.4)
            radar[box(y, x, row, column + width, height, 4)] = 0.006


def _clouds(rng: np.random.Generator, optical: np.ndarray) -> np.ndarray:
    """Cover part of the optical image in some scenes; radar sees through."""
    if rng.random() < 0.5:
        return optical
    cover = np.clip(0.55 * fractal(rng, optical.shape[:2], 40) - 0.25, 0, 0.95)[..., None]
    return optical * (1 - cover) + 0.93 * cover
