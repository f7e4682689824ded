"""Noise on source images, to measure the robustness of methods; the same on every machine, in every run and order.

The kinds are those of SSPFusion's Section 4.4 (arXiv 2309.14745, doi 10.48550/arXiv.2309.14745): stripes of variance
5 on the infrared and Gaussian noise of variance 25 on the visible image, Gaussian-Poisson noise on SPECT and Gaussian
noise of variance 25 on MRI. The paper states variances without a unit and no further details; here they are in squared
grey levels 0..255, stripes run along the columns, and the Gaussian part of Gaussian-Poisson noise has variance 25.

Images are float [H, W] or [H, W, 3] in [0, 1]; results are float32, clipped to that range.
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

# variances are in squared gray levels, images in [0, 1]
LEVELS = 255


class Kind(Protocol):
    """A function that adds noise; for one state of the generator, stronger noise is the same pattern with larger values."""

    def __call__(self, image: np.ndarray, rng: np.random.Generator, variance: float) -> np.ndarray: ...


def load_noisy_pair(pair: Pair, noise: SourceNoise, seed: int) -> PairImages:
    """Return both sources of a pair with noise, added to ``a`` after its conversion to one channel. Raises ImageError."""
    images = load_pair(pair)
    sources = {"a": images.a, "b": images.b}
    for source, added in noise.by_source():
        sources[source] = add_noise(sources[source], added, seed=seed, pair=pair.id, source=source)
    return PairImages(**sources)


def stripe(image: np.ndarray, rng: np.random.Generator, variance: float = VARIANCES["stripe"]) -> np.ndarray:
    """Return the image with a normally distributed offset added to each column, the same in all channels."""
    shifts = rng.normal(0, variance**0.5, image.shape[1]) / LEVELS
    return _clipped(image + (shifts if image.ndim == 2 else shifts[:, None]))


def gaussian_noise(
    image: np.ndarray, rng: np.random.Generator, variance: float = VARIANCES["gaussian"]
) -> np.ndarray:
    """Return the image with a normally distributed number added to each value, independently in each channel."""
    return _clipped(image + rng.normal(0, variance**0.5, image.shape) / LEVELS)


def gaussian_poisson(
    image: np.ndarray, rng: np.random.Generator, variance: float = VARIANCES["gaussian-poisson"]
) -> np.ndarray:
    """Return the image with each grey level replaced by a Poisson number of that mean, plus Gaussian noise."""
    counts = rng.poisson(np.asarray(image, np.float64) * LEVELS)
    return gaussian_noise(counts / LEVELS, rng, variance)


KINDS: Mapping[str, Kind] = {
    "stripe": stripe,
    "gaussian": gaussian_noise,
    "gaussian-poisson": gaussian_poisson,
}


def add_noise(image: np.ndarray, noise: Noise, *, seed: int, pair: str, source: str) -> np.ndarray:
    """Return one source with noise.

    The random numbers depend on seed, kind, pair id and source ("a" or "b") only. They do not depend on the variance, so
    that strengths are compared on one pattern. Raises UnknownNameError for an unknown kind.
    """
    if noise.kind not in KINDS:
        raise UnknownNameError("kind of noise", noise.kind, KINDS)
    key = hashlib.sha256(f"{seed}:{noise.kind}:{source}:{pair}".encode()).digest()
    return KINDS[noise.kind](image, np.random.default_rng(int.from_bytes(key)), noise.variance)


def _clipped(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 1).astype(np.float32)
