"""Drawing tools of the generators: smooth noise, shapes as masks, and a scene that can be saved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter


@dataclass(frozen=True)
class Scene:
    """One registered pair, uint8: ``a`` [H, W], ``b`` [H, W, 3], ``label`` [H, W] or None; ``folders`` of a and b."""

    a: np.ndarray
    b: np.ndarray
    folders: tuple[str, str]
    label: np.ndarray | None = None

    def save(self, folder: Path, stem: str) -> None:
        """Write the images as PNG to their folders below ``folder``."""
        images = dict(zip(self.folders, (self.a, self.b), strict=True))
        if self.label is not None:
            images["label"] = self.label
        for name, image in images.items():
            (folder / name).mkdir(exist_ok=True)
            Image.fromarray(image).save(folder / name / f"{stem}.png", compress_level=1)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Return an image in [0, 1], clipped and rounded, as uint8."""
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates y and x in pixels, float64 [H, W] each."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return y, x


def texture(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """Return noise smoothed by ``sigma`` pixels, with mean 0 and standard deviation 1."""
    noise = gaussian_filter(rng.standard_normal(shape), sigma, mode="reflect")
    return (noise - noise.mean()) / noise.std()


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], coarsest: float, octaves: int = 4
) -> np.ndarray:
    """Return noise with detail at several scales from ``coarsest`` pixels down, with standard deviation 1."""
    layers = [texture(rng, shape, max(coarsest / 2**k, 0.5)) / 1.7**k for k in range(octaves)]
    total = np.sum(layers, axis=0)
    return total / total.std()


def box(y: np.ndarray, x: np.ndarray, top: float, left: float, height: float, width: float) -> np.ndarray:
    """Return the mask of a rectangle, bool [H, W]."""
    return (y >= top) & (y < top + height) & (x >= left) & (x < left + width)


def ellipse(y: np.ndarray, x: np.ndarray, cy: float, cx: float, ry: float, rx: float) -> np.ndarray:
    """Return the mask of an ellipse with the given centre and half axes, bool [H, W]."""
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1


def glow(y: np.ndarray, x: np.ndarray, cy: float, cx: float, radius: float) -> np.ndarray:
    """Return a Gaussian spot with the maximum 1, [H, W]."""
    return np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * radius**2))


def paint(image: np.ndarray, mask: np.ndarray, value: object) -> None:
    """Set the pixels of a mask to a value or colour."""
    image[mask] = value
