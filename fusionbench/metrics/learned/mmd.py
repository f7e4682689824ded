"""The maximum mean discrepancy of two sets of embeddings under a Gaussian kernel, in float64 and in blocks.

MMD of A. Gretton et al., JMLR 13 (2012); the defaults are those of CMMD, S. Jayasumana et al., CVPR 2024
(DOI 10.1109/CVPR52733.2024.00889). Memory grows with the blocks, never with the square of the sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np

from fusionbench.errors import RequestError

BLOCK = 1024  # rows and columns of the kernel in memory at once
RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Kernel:
    """What the discrepancy is taken with.

    The kernel is exp(-|x - y|^2 / (2 sigma^2)), the squared discrepancy is multiplied by ``scale``. With
    ``normalize`` embeddings are first divided by their Euclidean length. ``unbiased`` leaves the pairs of an
    embedding with itself out of the means within a set (U-statistic; it can be negative), otherwise they are in
    (V-statistic; never negative, and larger the smaller the sets are).
    """

    sigma: float = 10.0
    scale: float = 1000.0
    normalize: bool = True
    unbiased: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.sigma < inf and 0 < self.scale < inf):
            raise RequestError(
                f"Kernel with sigma {self.sigma} and scale {self.scale}: both must be finite and more than 0."
            )


class Resampled(NamedTuple):
    """A discrepancy, and what it is for each resample of the scenes, without the part that resampling itself adds."""

    value: float
    resamples: np.ndarray


def mmd(x: np.ndarray, y: np.ndarray, kernel: Kernel | None = None) -> float:
    """Return the squared discrepancy of two sets of embeddings [N, D] and [M, D], times the kernel's scale.

    Raises RequestError for sets that are empty, of different D, not finite, or too small for the unbiased form.
    """
    kernel = kernel or Kernel()
    x, y = _prepared(x, kernel), _prepared(y, kernel)
    _check(x, y, kernel)
    within = _mean_within(x, kernel) + _mean_within(y, kernel)
    across = sum(_part(x[rows], y[columns], kernel).sum() for rows, columns in _blocks(len(x), len(y)))
    return float(kernel.scale * _squared(within - 2 * across / (len(x) * len(y)), kernel))


def resampled_mmd(x: np.ndarray, y: np.ndarray, draws: np.ndarray, kernel: Kernel | None = None) -> Resampled:
    """Return the discrepancy of embeddings [N, D] of the same N scenes, and what it becomes when scenes are redrawn.

    ``draws`` [R, N] holds how often each scene is in each resample, see `draw_scenes`. A resample of scenes weights
    the rows and columns of h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i), so each kernel value is
    computed once for all resamples. Scenes drawn twice add (mean of h(i, i) - V) / N to the V-statistic on average;
    that is taken off, which centers the resamples at the value.
    """
    kernel = kernel or Kernel()
    x, y = _prepared(x, kernel), _prepared(y, kernel)
    _check(x, y, kernel)
    n = len(x)
    weights = np.ascontiguousarray(draws.T, dtype=np.float64)
    sums, total, trace = np.zeros(len(draws)), 0.0, 0.0
    for rows, columns in _upper_blocks(n):
        block, twice = _contrast(x, y, rows, columns, kernel), 1.0 if rows == columns else 2.0
        total += twice * block.sum()
        trace += np.trace(block) if rows == columns else 0.0
        sums += twice * np.einsum("ir,ir->r", weights[rows], block @ weights[columns])
    biased = max(total / n**2, 0.0)  # below 0 by rounding only
    centered = sums / n**2 - (trace / n - biased) / n - biased
    value = mmd(x, y, _plain(kernel)) if kernel.unbiased else kernel.scale * biased
    return Resampled(float(value), value + kernel.scale * centered)


def draw_scenes(count: int, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Return how often each of ``count`` scenes is drawn in each resample of that size, int64 [R, N]."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)


def interval(resamples: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval that holds the middle ``level`` of the resamples."""
    low, high = np.quantile(resamples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _squared(value: float, kernel: Kernel) -> float:
    """Return what rounding alone can put below 0 as 0."""
    return value if kernel.unbiased else max(value, 0.0)


def _plain(kernel: Kernel) -> Kernel:
    """Return the kernel for embeddings that are normalized already."""
    return Kernel(kernel.sigma, kernel.scale, False, kernel.unbiased)


def _prepared(x: np.ndarray, kernel: Kernel) -> np.ndarray:
    x = np.array(x, dtype=np.float64, ndmin=2, order="C")
    if not np.isfinite(x).all():
        raise RequestError("An embedding is not finite: its tower does not fit these images.")
    if kernel.normalize:
        lengths = np.linalg.norm(x, axis=1, keepdims=True)
        if not lengths.all():
            raise RequestError("An embedding is zero and has no direction: use normalize=False.")
        x /= lengths
    return x


def _check(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise RequestError(f"Embeddings {list(x.shape)} and {list(y.shape)}: both must be [N, D] with one D.")
    least = 2 if kernel.unbiased else 1
    if min(len(x), len(y)) < least:
        raise RequestError(f"Sets of {len(x)} and {len(y)} embeddings: each needs at least {least}.")


def _mean_within(x: np.ndarray, kernel: Kernel) -> float:
    """Return the mean of the kernel minus 1 over the pairs within a set."""
    total = 0.0
    for rows, columns in _upper_blocks(len(x)):
        total += (1.0 if rows == columns else 2.0) * _part(x[rows], x[columns], kernel).sum()
    return total / (len(x) * (len(x) - 1 if kernel.unbiased else len(x)))


def _part(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Return the kernel minus 1: in the discrepancy the ones cancel, and with them the digits they would cost."""
    squares = np.einsum("id,id->i", x, x)[:, None] + np.einsum("jd,jd->j", y, y)
    squares -= 2 * (x @ y.T)
    np.maximum(squares, 0, out=squares)
    squares *= -0.5 / kernel.sigma**2
    return np.expm1(squares, out=squares)


def _contrast(x: np.ndarray, y: np.ndarray, rows: slice, columns: slice, kernel: Kernel) -> np.ndarray:
    block = _part(x[rows], x[columns], kernel)
    block += _part(y[rows], y[columns], kernel)
    block -= _part(x[rows], y[columns], kernel)
    block -= _part(y[rows], x[columns], kernel)
    return block


def _blocks(n: int, m: int) -> Iterator[tuple[slice, slice]]:
    return ((rows, columns) for rows in _slices(n) for columns in _slices(m))


def _upper_blocks(n: int) -> Iterator[tuple[slice, slice]]:
    """Yield the blocks on and above the diagonal."""
    return ((rows, columns) for rows, columns in _blocks(n, n) if columns.start >= rows.start)


def _slices(n: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
