"""Qabf as some published code computes it: on other ranges, with other constants, with another mean."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics.edges import Edges, edge_preservation, edges, edges_of, sobel_differences
from fusionbench.metrics.filters import bands
from fusionbench.metrics.registry import definition
from fusionbench.metrics.statistics import Image, Outcome, Triple, exact_root, sum_image, values

TINY = 1e-5  # what the reference puts in the place of 0


@definition(
    metric="Qabf",
    name="strengths-times-255",
    text="on 255 times the levels, which shows where strengths are equal and count as the strength itself",
    source="VIFB",
    smallest=3,
)
def edge_transfer_times_255(triple: Triple) -> Outcome:
    """Measure edge preservation with strengths that are 255 times too large."""
    found = (list(edges(image)) for image in triple)
    return Outcome(_ratio_of_sums(*found, unit=255.0))


@definition(
    metric="Qabf",
    name="unit-range",
    text="on [0, 1], where equal strengths count as values far below 1 and rounding decides which are equal",
    source="Tang 2022",
    smallest=3,
)
def edge_transfer_on_unit_range(triple: Triple) -> Outcome:
    """Measure edge preservation as if the levels were fractions."""
    return Outcome(_ratio_of_sums(*(list(map(_sobel_in_order, _fractions(image))) for image in triple)))


def _ratio_of_sums(a: list[Edges], b: list[Edges], fused: list[Edges], unit: float = 1.0) -> Tensor:
    kept = sum(
        edge_preservation(source, edge, unit)
        for own in (a, b)
        for source, edge in zip(own, fused, strict=True)
    )
    return kept / sum(sum_image(band.strength) for band in (*a, *b))


def _fractions(image: Image) -> Iterator[Tensor]:
    yield from bands(pad(image.of(values) / 255, (1, 1, 1, 1)), 3)


def _sobel_in_order(x: Tensor) -> Edges:
    """Return the edges of a band, terms added in the order of Octave's conv2: rounding decides what is equal."""
    rows = {"up": x[:, :-2], "here": x[:, 1:-1], "down": x[:, 2:]}

    def added(*terms: tuple[float, str, int]) -> Tensor:
        total: Tensor | float = 0.0
        for weight, row, column in terms:
            total = total + weight * rows[row][..., column : column + x.shape[-1] - 2]
        return total

    left = ((1, "down", 0), (2, "here", 0), (1, "up", 0))
    right = ((-1, "down", 2), (-2, "here", 2), (-1, "up", 2))
    columns = ((1, 0), (2, 1), (1, 2))
    vertically = [(sign * w, row, c) for w, c in columns for sign, row in ((1, "down"), (-1, "up"))]
    horizontal, vertical = added(*left, *right), added(*vertically)
    strength = exact_root(horizontal.square() + vertical.square())
    return Edges(strength, edges_of(horizontal, vertical).angle)


@definition(
    metric="Qabf",
    name="mean-of-ratios",
    text="gain 1, slopes 10 and 20, centers 0.5 and 0.75, angles wrap around, and the mean over pixels of the weighted "
    "ratio instead of the ratio of the sums",
    source="Zheng Liu's metricXydeas.m",
    smallest=3,
)
def edge_transfer_mean_of_ratios(triple: Triple) -> Outcome:
    """Measure edge preservation with every pixel counting alike."""
    parts = zip(*(map(_never_flat, _padded(image)) for image in triple), strict=True)
    return Outcome(sum(_ratios(*part) for part in parts) / triple.fused.count)


def _padded(image: Image) -> list[Tensor]:
    return bands(pad(image.of(values), (1, 1, 1, 1)), 3)


def _never_flat(padded: Tensor) -> Edges:
    """Return the edges of a band with horizontal differences of at least a tiny size."""
    horizontal, vertical = sobel_differences(padded)
    strength = (horizontal.square() + vertical.square()).sqrt_()
    return Edges(strength, (vertical / horizontal.masked_fill_(horizontal == 0, -TINY)).atan_())


def _ratios(a: Edges, b: Edges, fused: Edges) -> Tensor:
    """Return the sum over a band of the weighted ratios. The fused strength is made positive after a's turn."""
    quality_a = _quality(a, fused)
    quality_b = _quality(b, Edges(_positive(fused.strength), fused.angle))
    weight_a, weight_b = _positive(a.strength), _positive(b.strength)
    return sum_image((quality_a * weight_a + quality_b * weight_b) / (weight_a + weight_b))


def _quality(source: Edges, fused: Edges) -> Tensor:
    falls = fused.strength / _positive(source.strength)
    rises = _positive(source.strength) / _positive(fused.strength)
    ratio = torch.where(source.strength > fused.strength, falls, rises)
    turn = ((source.angle - fused.angle).abs() - math.pi / 2).abs() * (2 / math.pi)
    return ((ratio - 0.5) * 10).sigmoid_() * ((turn - 0.75) * 20).sigmoid_()


def _positive(strength: Tensor) -> Tensor:
    return torch.where(strength == 0, TINY, strength)
