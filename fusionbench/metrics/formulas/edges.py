"""Metrics of edge preservation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.filters import bands
from fusionbench.metrics.image_cache import Image, Outcome, Triple, constant, exact_root, sum_image, values
from fusionbench.metrics.registry import definition, metric


class Edges(NamedTuple):
    """Strength and orientation of the edge at each pixel of a band, float64 [B, H, W]."""

    strength: Tensor
    angle: Tensor


def sobel(padded: Tensor) -> Edges:
    """Return the edges of a band by Sobel's 3x3 kernels without normalization, a pixel less at each side.

    Strengths are 0 or at least 1. Angles lie in -pi/2..pi/2, pi/2 where there is no horizontal difference.
    """
    return edges_of(*sobel_differences(padded))


def sobel_differences(padded: Tensor) -> tuple[Tensor, Tensor]:
    """Return left minus right and lower minus upper neighbours, weighted 1, 2, 1 along the edge."""
    down, across = _smoothed(padded, -2), _smoothed(padded, -1)
    return down[..., :-2] - down[..., 2:], across[:, 2:] - across[:, :-2]


def edges_of(horizontal: Tensor, vertical: Tensor) -> Edges:
    """Return the edges that a band's differences make; overwrites them."""
    # the angle first: the strength is then computed in place
    angle = (vertical / horizontal).masked_fill_(horizontal == 0, math.inf).atan_()
    return Edges(horizontal.square_().add_(vertical.square_()).sqrt_(), angle)


def _smoothed(x: Tensor, dim: int) -> Tensor:
    inner = x.shape[dim] - 2
    return torch.add(x.narrow(dim, 0, inner), x.narrow(dim, 1, inner), alpha=2).add_(x.narrow(dim, 2, inner))


def edges(image: Image) -> Iterator[Edges]:
    """Yield the edges of all bands, zeros beyond the border, each made when it is asked for."""
    return map(sobel, bands(pad(image.of(values), (1, 1, 1, 1)), 3))


def own_edges(source: Image) -> list[Edges]:
    """Return the edges of a source, to be kept for all fused images."""
    return list(edges(source))


def edge_strength(source: Image) -> Tensor:
    """Return the sum of the edge strengths [B]."""
    return reduce(add, (sum_image(band.strength) for band in source.of(own_edges)))


def edge_preservation(source: Edges, fused: Edges, unit: float = 1.0) -> Tensor:
    """Return the sum of a source's edge strengths [B], each times how well the fused image keeps the edge."""
    strong = torch.maximum(source.strength, fused.strength)
    ratio = torch.minimum(source.strength, fused.strength).div_(strong)
    # equal strengths count as the strength itself, not as 1: as in the reference code
    ratio = torch.where(source.strength == fused.strength, source.strength * unit, ratio)
    turn = (source.angle - fused.angle).abs_().div_(math.pi / 2)
    quality = ratio.sub_(0.5).mul_(15).sigmoid_().mul_(0.9994)
    quality.mul_(turn.neg_().add_(1 - 0.8).mul_(22).sigmoid_().mul_(0.9879))
    return sum_image(quality.mul_(source.strength))


@metric(
    name="Qabf",
    title="Edge preservation Q^AB/F",
    better="higher",
    unit="1",
    range=(0, 1),
    convention="Sobel with zero padding, gain 0.9994 / 0.9879, slope 15 / 22, center 0.5 / 0.8 for strength "
    "/ angle; weight = strength; equal strengths count as the strength itself; identical images score 0.975",
    doi="10.1049/el:20000267",
    smallest=3,
    symmetric=True,
    version=2,
)
def edge_transfer(triple: Triple) -> Outcome:
    """Measure how well strength and orientation of the sources' edges are kept, strong edges counting more.

    Undefined where both sources are constant: the border that zero padding makes is no edge.
    """
    flat = triple.a.of(constant) & triple.b.of(constant)
    return Outcome(edge_transfer_zero_padded(triple).values, ((flat, "both sources are constant"),))


@definition(
    metric="Qabf",
    name="zero-padded",
    text="the canonical value, and a value for constant sources as well: the border that zero padding makes counts "
    "as an edge",
    source="Tang 2023, CDDFuse, VIFB",
    smallest=3,
    version=2,
)
def edge_transfer_zero_padded(triple: Triple) -> Outcome:
    """Measure how well edges are kept, the border of the image among them."""
    if compiled.usable(triple.fused.levels):
        from fusionbench.metrics.compiled import images

        return Outcome(images.edge_transfer(triple))
    a, b, fused = triple
    kept = sum(map(_preservations, edges(fused), a.of(own_edges), b.of(own_edges)))
    return Outcome(kept / (a.of(edge_strength) + b.of(edge_strength)))


def _preservations(fused: Edges, a: Edges, b: Edges) -> Tensor:
    return edge_preservation(a, fused) + edge_preservation(b, fused)


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
    a, b, fused = (list(edges(image)) for image in triple)
    return Outcome(_ratio_of_sums(a, b, fused, unit=255.0))


@definition(
    metric="Qabf",
    name="unit-range",
    text="on [0, 1], where equal strengths count as values far below 1 and rounding decides which are equal",
    source="Tang 2022",
    smallest=3,
)
def edge_transfer_on_unit_range(triple: Triple) -> Outcome:
    """Measure edge preservation as if the levels were fractions."""
    a, b, fused = (list(map(_sobel_in_order, _fractions(image))) for image in triple)
    return Outcome(_ratio_of_sums(a, b, fused))


def _ratio_of_sums(a: list[Edges], b: list[Edges], fused: list[Edges], unit: float = 1.0) -> Tensor:
    kept = [
        edge_preservation(source, edge, unit)
        for own in (a, b)
        for source, edge in zip(own, fused, strict=True)
    ]
    return reduce(add, kept) / reduce(add, (sum_image(band.strength) for band in (*a, *b)))


def _fractions(image: Image) -> Iterator[Tensor]:
    yield from bands(pad(image.of(values) / 255, (1, 1, 1, 1)), 3)


def _sobel_in_order(x: Tensor) -> Edges:
    """Return the edges of a band, terms added in the order of Octave's conv2: rounding decides what is equal."""
    rows = {"up": x[:, :-2], "here": x[:, 1:-1], "down": x[:, 2:]}

    def added(*terms: tuple[float, str, int]) -> Tensor:
        wide = x.shape[-1] - 2
        return reduce(add, (weight * rows[row][..., column : column + wide] for weight, row, column in terms))

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
    return Outcome(reduce(add, (_ratios(*part) for part in parts)) / triple.fused.count)


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
