"""Nabf, the share of fusion artifacts: edges of the fused image that neither source has (Kumar 2013).

With g the strength and t the angle of an edge (Sobel / 8, mirrored border), for each source S = A, B and every pixel:

    G_S = min(g_S, g_F) / max(g_S, g_F)        T_S = | |t_S - t_F| - pi/2 | * 2 / pi
    Q_S = sqrt(0.9999 / (1 + exp(-19 (G_S - 0.5))) * 0.9995 / (1 + exp(-22 (T_S - 0.5))))
    w_S = g_S^1.5 where g_S >= 2, else 0.001
    Nabf = sum(n ((1 - Q_A) w_A + (1 - Q_B) w_B)) / sum(w_A + w_B),  n = 1 where g_F > g_A and g_F > g_B, else 0
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

VISIBLE = 2.0  # strength in levels from which on an edge is weighted by its strength
HIDDEN_WEIGHT = 0.001  # weight of a weaker edge


class WeightedEdges(NamedTuple):
    """Strength and angle of the edge at each pixel of a band, and the weight of the pixel, float64 [B, h, W] each."""

    strength: Tensor
    angle: Tensor
    weight: Tensor


def edges(image: Image, scale: float) -> Iterator[WeightedEdges]:
    """Yield the edges of all bands of rows, one after the other; levels are divided by ``scale`` first.

    The image is mirrored at its border without repeating the edge pixel, as the reference code does.
    """
    mirrored = pad(image.of(values)[:, None] / scale, (1, 1, 1, 1), mode="reflect")[:, 0]
    for band in bands(mirrored, 3):
        across, down = differences(band)
        # 0/0 where there is no edge counts as the angle 0
        angle = (across / down).atan_().nan_to_num_(nan=0.0)
        strength = exact_root(across.square_().add_(down.square_()))
        weight = torch.where(strength >= VISIBLE, strength**1.5, HIDDEN_WEIGHT)
        yield WeightedEdges(strength, angle, weight)


def differences(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return Sobel's differences divided by 8, right minus left and lower minus upper, each a pixel shorter at each side.

    Terms are added along columns first, as in the reference code: on [0, 1] rounding decides which of two equal edges
    counts as the stronger one.
    """
    upper, middle, lower = x[:, :-2] / 8, x[:, 1:-1] / 4, x[:, 2:] / 8
    weighted = upper + middle + lower
    change = lower - upper
    across = weighted[..., 2:] - weighted[..., :-2]
    down = change[..., :-2] + change[..., 1:-1] * 2 + change[..., 2:]
    return across, down


def loss(source: WeightedEdges, fused: WeightedEdges) -> Tensor:
    """Return (1 - Q_S) w_S at each pixel of a band, the weighted loss of a source's edge."""
    strong = torch.maximum(source.strength, fused.strength)
    # 0/0 where neither image has an edge counts as 0
    ratio = torch.minimum(source.strength, fused.strength).div_(strong).nan_to_num_(nan=0.0)
    turn = (source.angle - fused.angle).abs_().sub_(math.pi / 2).abs_().mul_(2 / math.pi)
    kept = ratio.sub_(0.5).mul_(19).sigmoid_().mul_(0.9999)
    kept.mul_(turn.sub_(0.5).mul_(22).sigmoid_().mul_(0.9995)).sqrt_()
    return kept.neg_().add_(1).mul_(source.weight)


@metric(
    name="Nabf",
    title="Fusion artifacts N^AB/F",
    better="lower",
    unit="1",
    range=(0, 1),
    convention="Kumar 2013 on 0..255: Sobel over 8, mirrored border, edges from strength 2 on weighted by strength^1.5 "
    "and weaker ones by 0.001, counted where the fused image's edge is stronger than both sources'",
    doi="10.1007/s11760-012-0361-x",
    smallest=2,
    symmetric=True,
    version=2,
)
def fusion_artifacts(triple: Triple) -> Outcome:
    """Return Nabf of levels 0..255, in [0, 1]; see the module for the equation.

    Undefined where both sources are constant: all pixels then have the same weight and any edge is an artifact.
    Source: Kumar 2013.
    """
    flat = triple.a.of(constant) & triple.b.of(constant)
    return Outcome(_artifacts(triple, 1.0), ((flat, "both sources are constant"),))


@definition(
    metric="Nabf",
    name="swapped",
    text="the arguments are given in the wrong order: source a is scored against source b and the fused image",
    source="Tang 2023, as its analysis_Reference.m calls it",
    smallest=2,
    version=2,
)
def fusion_artifacts_swapped(triple: Triple) -> Outcome:
    """Return Nabf(B, F; A), in [0, 1]: source a takes the place of the fused image. Source: Tang 2023."""
    return Outcome(_artifacts(Triple(triple.b, triple.fused, triple.a), 1.0))


@definition(
    metric="Nabf",
    name="unit-range",
    text="on [0, 1], where no edge reaches strength 2, so every pixel weighs the same",
    source="Tang 2022",
    smallest=2,
)
def fusion_artifacts_on_unit_range(triple: Triple) -> Outcome:
    """Return Nabf of levels divided by 255, in [0, 1]: all weights are 0.001, so pixels are counted. Source: Tang 2022."""
    return Outcome(_artifacts(triple, 255.0))


def _artifacts(triple: Triple, scale: float) -> Tensor:
    if scale == 1.0 and compiled.usable(triple.fused.levels):
        from fusionbench.metrics.compiled import images

        return images.artifact_share(triple)
    a, b, fused = triple
    lost, total = [], []
    for edge_a, edge_b, edge in zip(*(edges(image, scale) for image in (a, b, fused)), strict=True):
        new = (edge.strength > edge_a.strength) & (edge.strength > edge_b.strength)
        lost.append(sum_image((loss(edge_a, edge) + loss(edge_b, edge)).mul_(new)))
        total.append(sum_image(edge_a.weight + edge_b.weight))
    return reduce(add, lost) / reduce(add, total)
