"""Metrics of the fused image alone: how far its levels spread and how fast they change."""

from __future__ import annotations

import torch

from fusionbench.metrics.registry import metric
from fusionbench.metrics.statistics import Outcome, Triple, sum_image, values, variance


@metric(
    name="SD",
    title="Standard deviation",
    better="higher",
    unit="level",
    range=(0, 127.5),
    convention="population standard deviation of the fused image on 0..255",
    doi="10.1016/j.inffus.2018.02.004",
)
def standard_deviation(triple: Triple) -> Outcome:
    """Measure the contrast of the fused image; noise raises it as detail does."""
    return Outcome(triple.fused.of(variance).sqrt())


@metric(
    name="SF",
    title="Spatial frequency",
    better="higher",
    unit="level",
    range=(0, 360.625),  # 255 times the root of 2: a chessboard
    convention="root of row plus column frequency, each a mean over its own differences, on 0..255",
    doi="10.1109/26.477498",
    smallest=2,
)
def spatial_frequency(triple: Triple) -> Outcome:
    """Measure the differences between neighbouring pixels; noise raises it as detail does."""
    x = triple.fused.of(values)
    row, column = x.diff(dim=-1), x.diff(dim=-2)
    return Outcome((row.square_().mean((-2, -1)) + column.square_().mean((-2, -1))).sqrt())


@metric(
    name="AG",
    title="Average gradient",
    better="higher",
    unit="level",
    range=(0, None),
    convention="central differences, one-sided at the border, on 0..255; "
    "sum of sqrt((gx^2 + gy^2) / 2) over (M - 1)(N - 1)",
    doi="10.1016/j.optcom.2014.12.032",
    smallest=2,
)
def average_gradient(triple: Triple) -> Outcome:
    """Measure the slope of the levels; noise raises it as detail does."""
    height, width = triple.fused.height, triple.fused.width
    rows, columns = torch.gradient(triple.fused.of(values), dim=(-2, -1))
    slope = rows.square_().add_(columns.square_()).div_(2).sqrt_()
    return Outcome(sum_image(slope) / ((height - 1) * (width - 1)))
