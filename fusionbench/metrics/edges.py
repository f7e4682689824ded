"""Metrics of edge preservation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics.filters import bands
from fusionbench.metrics.registry import definition, metric
from fusionbench.metrics.statistics import Image, Outcome, Triple, constant, sum_image, values


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
    return sum(sum_image(band.strength) for band in source.of(own_edges))


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
)
def edge_transfer_zero_padded(triple: Triple) -> Outcome:
    """Measure how well edges are kept, the border of the image among them."""
    a, b, fused = triple
    kept = sum(map(_preservations, edges(fused), a.of(own_edges), b.of(own_edges)))
    return Outcome(kept / (a.of(edge_strength) + b.of(edge_strength)))


def _preservations(fused: Edges, a: Edges, b: Edges) -> Tensor:
    return edge_preservation(a, fused) + edge_preservation(b, fused)
