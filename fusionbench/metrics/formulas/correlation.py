"""Metrics of linear correlation (CC, SCD), from exact integer sums over the levels."""

from __future__ import annotations

from torch import Tensor

from fusionbench.metrics.image_cache import Image, Outcome, Triple, comoment, constant, dot, total
from fusionbench.metrics.registry import metric


def pearson(image: Image, other: Image) -> Tensor:
    """Return Pearson's correlation of two images, float64 [B], in [-1, 1]; NaN where one is constant.

    r(X, Y) = sum((X - mean X) (Y - mean Y)) / sqrt(sum((X - mean X)^2) sum((Y - mean Y)^2))
    """
    count, x, y = image.count, image.of(total), other.of(total)
    cross = comoment(count, x, y, image.of(dot, other))
    spread_x = comoment(count, x, x, image.of(dot, image))
    spread_y = comoment(count, y, y, other.of(dot, other))
    return cross / (spread_x * spread_y).sqrt()


@metric(
    name="CC",
    title="Correlation coefficient",
    better="higher",
    unit="1",
    range=(-1, 1),
    convention="mean of Pearson(a, fused) and Pearson(b, fused)",
    doi="10.1016/j.inffus.2018.02.004",
    symmetric=True,
)
def correlation_coefficient(triple: Triple) -> Outcome:
    """Return CC = (r(A, F) + r(B, F)) / 2, in [-1, 1], r as in `pearson`. Source: Ma, Ma and Li 2019.

    Undefined where one of the three images is constant.
    """
    a, b, fused = triple
    undefined = (
        (fused.of(constant), "the fused image is constant"),
        (a.of(constant), "source a is constant"),
        (b.of(constant), "source b is constant"),
    )
    return Outcome((fused.of(pearson, a) + fused.of(pearson, b)) / 2, undefined)


@metric(
    name="SCD",
    title="Sum of the correlations of differences",
    better="higher",
    unit="1",
    range=(-2, 2),
    convention="Pearson(fused - b, a) + Pearson(fused - a, b)",
    doi="10.1016/j.aeue.2015.09.004",
    symmetric=True,
)
def sum_of_difference_correlations(triple: Triple) -> Outcome:
    """Return SCD = r(F - B, A) + r(F - A, B), in [-2, 2], r as in `pearson`. Source: Aslantas and Bendes 2015.

    It tells whether the part of the fused image that one source does not explain is the other source. Undefined where a
    source is constant, or where the fused image differs from a source by a constant only.
    """
    a, b, fused = triple
    from_a, flat_b = _difference_correlation(fused, b, a)
    from_b, flat_a = _difference_correlation(fused, a, b)
    undefined = (
        (a.of(constant), "source a is constant"),
        (b.of(constant), "source b is constant"),
        (flat_a, "the fused image equals source a up to a constant"),
        (flat_b, "the fused image equals source b up to a constant"),
    )
    return Outcome(from_a + from_b, undefined)


def _difference_correlation(fused: Image, taken: Image, kept: Image) -> tuple[Tensor, Tensor]:
    """Return r(fused - taken, kept), float64 [B], and where that difference is constant, bool [B].

    The sums of the difference are combined from those of the images, so it is never formed and all sums stay exact.
    """
    count, x, y = fused.count, fused.of(total) - taken.of(total), kept.of(total)
    squares = fused.of(dot, fused) - 2 * fused.of(dot, taken) + taken.of(dot, taken)
    spread_x = comoment(count, x, x, squares)
    spread_y = comoment(count, y, y, kept.of(dot, kept))
    cross = comoment(count, x, y, fused.of(dot, kept) - taken.of(dot, kept))
    return cross / (spread_x * spread_y).sqrt(), spread_x == 0
