"""Noise on source images, to see how robust a method is; the same on every machine, run and order of pairs.

The kinds are those of SSPFusion's Section 4.4 (arXiv 2309.14745, doi 10.48550/arXiv.2309.14745): stripes of variance
5 on the infrared and Gaussian noise of variance 25 on the visible image, Gaussian-Poisson noise on SPECT and Gaussian
noise of variance 25 on MRI. The paper gives variances without a unit and nothing more; here they are squares of grey
levels 0..255, stripes run along the columns, and Gaussian-Poisson noise has the Gaussian part's variance of 25.

Images are float [H, W] or [H, W, 3] in [0, 1]; so is what comes back, as float32, clipped to that range.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from fusionbench.data.images import PairImages, load_pair
from fusionbench.data.noise.setting import VARIANCES, Noise, SourceNoise
from fusionbench.errors import UnknownNameError
from fusionbench.types import Pair

LEVELS = 255


class Kind(Protocol):
    """Add noise to an image; the draws are the generator's, so a stronger one is the same pattern, larger."""

    def __call__(self, image: np.ndarray, rng: np.random.Generator, variance: float) -> np.ndarray: ...


def load_noisy_pair(pair: Pair, noise: SourceNoise, seed: int) -> PairImages:
    """Read both sources of a pair and add their noise, to ``a`` after it was made one channel. Raises ImageError."""
    images = load_pair(pair)
    sources = {"a": images.a, "b": images.b}
    for source, added in noise.by_source():
        sources[source] = add_noise(sources[source], added, seed=seed, pair=pair.id, source=source)
    return PairImages(**sources)


def stripe(image: np.ndarray, rng: np.random.Generator, variance: float = VARIANCES["stripe"]) -> np.ndarray:
    """Shift each column by a normal number of its own, in all channels alike."""
    shifts = rng.normal(0, variance**0.5, image.shape[1]) / LEVELS
    return _clipped(image + (shifts if image.ndim == 2 else shifts[:, None]))


def gaussian(
    image: np.ndarray, rng: np.random.Generator, variance: float = VARIANCES["gaussian"]
) -> np.ndarray:
    """Add a normal number to each value, channels independently."""
    return _clipped(image + rng.normal(0, variance**0.5, image.shape) / LEVELS)


def gaussian_poisson(
    image: np.ndarray, rng: np.random.Generator, variance: float = VARIANCES["gaussian-poisson"]
) -> np.ndarray:
    """Replace each grey level by a Poisson number of that mean, then add a normal one of that variance."""
    counts = rng.poisson(np.asarray(image, np.float64) * LEVELS)
    return gaussian(counts / LEVELS, rng, variance)


KINDS: Mapping[str, Kind] = {
    "stripe": stripe,
    "gaussian": gaussian,
    "gaussian-poisson": gaussian_poisson,
}


def add_noise(image: np.ndarray, noise: Noise, *, seed: int, pair: str, source: str) -> np.ndarray:
    """Add noise to one source.

    The draw depends on seed, kind, pair and source alone: not on the variance, so that strengths can be compared on
    one pattern. ``pair`` is the pair's id and ``source`` a or b, so that both sources of a pair get noise of their own.
    Raises UnknownNameError.
    """
    if noise.kind not in KINDS:
        raise UnknownNameError("kind of noise", noise.kind, KINDS)
    key = hashlib.sha256(f"{seed}:{noise.kind}:{source}:{pair}".encode()).digest()
    return KINDS[noise.kind](image, np.random.default_rng(int.from_bytes(key)), noise.variance)


def _clipped(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 1).astype(np.float32)
