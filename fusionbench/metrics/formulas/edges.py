"""Qabf, the preservation of edges (Xydeas and Petrovic 2000).

With g the strength and t the angle of an edge (Sobel), for each source S = A, B and every pixel:

    G_S = min(g_S, g_F) / max(g_S, g_F), but g_S where both are equal        T_S = 1 - |t_S - t_F| / (pi/2)
    Q_S = 0.9994 / (1 + exp(-15 (G_S - 0.5))) * 0.9879 / (1 + exp(-22 (T_S - 0.8)))
    Qabf = sum(Q_A g_A + Q_B g_B) / sum(g_A + g_B)

The exception for equal strengths is in all reference codes. On integers it means 0 in flat areas and 1 or more at
edges; on other ranges it changes the value.
"""

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
    """Strength and angle of the edge at each pixel of a band, float64 [B, h, W] each."""

    strength: Tensor
    angle: Tensor


def sobel_edges(padded: Tensor) -> Edges:
    """Return the edges of a band by Sobel's 3x3 kernels without normalisation, one pixel shorter at each side.

    For integer levels strengths are 0 or at least 1. Angles are in (-pi/2, pi/2], pi/2 without a horizontal difference.
    """
    return edges_of(*sobel_differences(padded))


def sobel_differences(padded: Tensor) -> tuple[Tensor, Tensor]:
    """Return left minus right and lower minus upper neighbours, weighted 1, 2, 1 along the edge."""
    down, across = _smoothed(padded, -2), _smoothed(padded, -1)
    return down[..., :-2] - down[..., 2:], across[:, 2:] - across[:, :-2]


def edges_of(horizontal: Tensor, vertical: Tensor) -> Edges:
    """Return strength and angle, atan(vertical / horizontal), of a band's differences, which are overwritten."""
    # the angle first, because the strength is computed in place; inf also replaces 0/0, and its arctangent is pi/2
    angle = (vertical / horizontal).masked_fill_(horizontal == 0, math.inf).atan_()
    return Edges(horizontal.square_().add_(vertical.square_()).sqrt_(), angle)


def _smoothed(x: Tensor, dim: int) -> Tensor:
    inner = x.shape[dim] - 2
    return torch.add(x.narrow(dim, 0, inner), x.narrow(dim, 1, inner), alpha=2).add_(x.narrow(dim, 2, inner))


def edges(image: Image) -> Iterator[Edges]:
    """Yield the edges of all bands of rows, one after the other, with zeros beyond the border."""
    return map(sobel_edges, bands(pad(image.of(values), (1, 1, 1, 1)), 3))


def own_edges(source: Image) -> list[Edges]:
    """Return the edges of all bands of a source as a list, which is cached for all its fused images."""
    return list(edges(source))


def edge_strength(source: Image) -> Tensor:
    """Return sum(g_S), float64 [B]."""
    return reduce(add, (sum_image(band.strength) for band in source.of(own_edges)))


def edge_preservation(source: Edges, fused: Edges, unit: float = 1.0) -> Tensor:
    """Return sum(Q_S g_S) over a band, float64 [B]; ``unit`` multiplies strengths where both are equal."""
    strong = torch.maximum(source.strength, fused.strength)
    ratio = torch.minimum(source.strength, fused.strength).div_(strong)
    # equal strengths count as the strength itself, not as 1, as in the reference codes; this also replaces 0/0
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
    """Return Qabf, in [0, 1]; see the module for the equation. Source: Xydeas and Petrovic 2000.

    Undefined where both sources are constant: the only edge is then the one that zero padding makes at the border.
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
    """Return Qabf, in [0, 1], with a value for constant sources too, from the edge that zero padding makes at the border.

    Source: Tang 2023, CDDFuse, VIFB.
    """
    if compiled.usable(triple.fused.levels):
        from fusionbench.metrics.compiled import images

        return Outcome(images.edge_transfer(triple))
    a, b, fused = triple
    kept = sum(map(_preservations, edges(fused), a.of(own_edges), b.of(own_edges)))
    return Outcome(kept / (a.of(edge_strength) + b.of(edge_strength)))


def _preservations(fused: Edges, a: Edges, b: Edges) -> Tensor:
    return edge_preservation(a, fused) + edge_preservation(b, fused)


TINY = 1e-5  # replaces 0 in Zheng Liu's code


@definition(
    metric="Qabf",
    name="strengths-times-255",
    text="on 255 times the levels, which shows where strengths are equal and count as the strength itself",
    source="VIFB",
    smallest=3,
)
def edge_transfer_times_255(triple: Triple) -> Outcome:
    """Return Qabf of levels multiplied by 255, in [0, 1]. Source: VIFB, whose im2double does not scale doubles.

    Only the rule for equal strengths notices the scale.
    """
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
    """Return Qabf of levels divided by 255, in [0, 1]. Source: Tang 2022.

    Equal strengths then count as values far below 1, and rounding decides which strengths are equal.
    """
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
    """Return the edges of a band with terms added in the order of Octave's conv2.

    On [0, 1] sums round, and whether two strengths are equal depends on the order.
    """
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
    """Return mean((Q_A g_A + Q_B g_B) / (g_A + g_B)), in [0, 1]. Source: Zheng Liu's metricXydeas.m.

    Q_S = 1 / (1 + exp(-10 (G_S - 0.5))) / (1 + exp(-20 (T_S - 0.75))), T_S = | |t_S - t_F| - pi/2 | * 2 / pi, and
    strengths of 0 are replaced by 1e-5. Each pixel counts alike, however weak its edges are.
    """
    parts = zip(*(map(_never_flat, _padded(image)) for image in triple), strict=True)
    return Outcome(reduce(add, (_ratios(*part) for part in parts)) / triple.fused.count)


def _padded(image: Image) -> list[Tensor]:
    return bands(pad(image.of(values), (1, 1, 1, 1)), 3)


def _never_flat(padded: Tensor) -> Edges:
    """Return the edges of a band; horizontal differences of 0 are replaced by a tiny one for the angle."""
    horizontal, vertical = sobel_differences(padded)
    strength = (horizontal.square() + vertical.square()).sqrt_()
    return Edges(strength, (vertical / horizontal.masked_fill_(horizontal == 0, -TINY)).atan_())


def _ratios(a: Edges, b: Edges, fused: Edges) -> Tensor:
    """Return the sum over a band of (Q_A g_A + Q_B g_B) / (g_A + g_B), float64 [B].

    The reference code replaces zeros in the fused strength only after it has used it for source a, hence the asymmetry.
    """
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
