"""The maximum mean discrepancy (MMD) of two sets of embeddings with a Gaussian kernel, in float64 and in blocks.

    k(x, y) = exp(-|x - y|^2 / (2 sigma^2))
    MMD^2(X, Y) = mean k(x, x') + mean k(y, y') - 2 mean k(x, y)

Sources: Gretton et al., JMLR 13 (2012); the defaults are those of CMMD, Jayasumana et al., CVPR 2024
(DOI 10.1109/CVPR52733.2024.00889). Memory grows with the blocks, not with the square of the sets.
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
    """The parameters of the discrepancy.

    ``sigma`` is the width of the Gaussian, and MMD^2 is multiplied by ``scale``. With ``normalize`` embeddings are first
    divided by their Euclidean length. With ``unbiased`` the means within a set leave out pairs of an embedding with
    itself (U-statistic, which can be negative); otherwise these are included (V-statistic, which is never negative and
    larger for smaller sets).
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
    """A discrepancy, and its value for each resample of the scenes, [R], corrected for the bias that resampling adds."""

    value: float
    resamples: np.ndarray


def mmd(x: np.ndarray, y: np.ndarray, kernel: Kernel | None = None) -> float:
    """Return MMD^2 of two sets of embeddings [N, D] and [M, D], times the kernel's scale.

    Raises RequestError for sets that are empty, differ in D, are not finite, or are too small for the unbiased form.
    """
    kernel = kernel or Kernel()
    x, y = _prepared(x, kernel), _prepared(y, kernel)
    _check(x, y, kernel)
    within = _mean_within(x, kernel) + _mean_within(y, kernel)
    across = sum(_part(x[rows], y[columns], kernel).sum() for rows, columns in _blocks(len(x), len(y)))
    return float(kernel.scale * _squared(within - 2 * across / (len(x) * len(y)), kernel))


def resampled_mmd(x: np.ndarray, y: np.ndarray, draws: np.ndarray, kernel: Kernel | None = None) -> Resampled:
    """Return MMD^2 of embeddings [N, D] of the same N scenes, times the kernel's scale, and its values under resampling.

    ``draws`` [R, N] has the number of times each scene is in each resample, see `draw_scenes`. A resample weights rows
    and columns of h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i), so each kernel value is computed once
    for all resamples. Scenes drawn twice add (mean of h(i, i) - V) / N to the V-statistic V on average; this is
    subtracted, so that the resamples are centred at the value. Raises as `mmd`.
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
    biased = max(total / n**2, 0.0)  # only rounding can make it negative
    centered = sums / n**2 - (trace / n - biased) / n - biased
    value = mmd(x, y, _plain(kernel)) if kernel.unbiased else kernel.scale * biased
    return Resampled(float(value), value + kernel.scale * centered)


def draw_scenes(count: int, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Return how often each of N = ``count`` scenes is drawn in each of R resamples of N scenes, int64 [R, N]."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)


def interval(resamples: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval with the middle share ``level`` of the resamples (percentile bootstrap)."""
    low, high = np.quantile(resamples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _squared(value: float, kernel: Kernel) -> float:
    """Return the value; a biased one, which only rounding can make negative, not below 0."""
    return value if kernel.unbiased else max(value, 0.0)


def _plain(kernel: Kernel) -> Kernel:
    """Return the kernel for embeddings that are already normalised."""
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
    """Return the mean of k - 1 over the pairs within a set."""
    total = 0.0
    for rows, columns in _upper_blocks(len(x)):
        total += (1.0 if rows == columns else 2.0) * _part(x[rows], x[columns], kernel).sum()
    return total / (len(x) * (len(x) - 1 if kernel.unbiased else len(x)))


def _part(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Return k - 1 for all pairs, computed by expm1.

    For embeddings of unit length and sigma 10 all kernel values are close to 1. The ones cancel in MMD^2, and without
    them no digits are lost to that.
    """
    squares = np.einsum("id,id->i", x, x)[:, None] + np.einsum("jd,jd->j", y, y)
    squares -= 2 * (x @ y.T)
    # rounding can make the squared distance of equal embeddings negative
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
    """Yield the blocks on and above the diagonal; the kernel is symmetric, so those above count twice."""
    return ((rows, columns) for rows, columns in _blocks(n, n) if columns.start >= rows.start)


def _slices(n: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
