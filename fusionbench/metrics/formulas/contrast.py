"""Metrics of the fused image alone: how much its levels spread (SD) and how fast they change (SF, AG)."""

from __future__ import annotations

import torch
from torch import Tensor

from fusionbench.metrics import compiled
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image, total, values, variance
from fusionbench.metrics.registry import definition, metric


@metric(
    name="SD",
    title="Standard deviation",
    better="higher",
    unit="level",
    range=(0, 127.5),
    convention="population standard deviation of the fused image on 0..255",
    doi="10.1016/j.inffus.2018.02.004",
    symmetric=True,
)
def standard_deviation(triple: Triple) -> Outcome:
    """Return SD = sqrt(mean((F - mean(F))^2)), in levels, in [0, 127.5]. Source: Ma, Ma and Li 2019.

    It measures contrast; noise raises it as detail does.
    """
    return Outcome(triple.fused.of(variance).sqrt())


@definition(
    metric="SD",
    name="unit-range",
    text="on [0, 1]: the canonical value divided by 255",
    source="CSP-MCIN's tables",
    unit="1",
)
def standard_deviation_on_unit_range(triple: Triple) -> Outcome:
    """Return SD / 255, in [0, 0.5], as in CSP-MCIN's tables."""
    return Outcome(triple.fused.of(variance).sqrt() / 255)


@definition(
    metric="SD",
    name="saturating",
    text="8-bit arithmetic: differences below the mean count as 0, squares are cut at 255, so it stays below 16",
    source="Tang 2022",
)
def standard_deviation_saturating(triple: Triple) -> Outcome:
    """Return sqrt(mean(min(255, max(0, round(F - mean(F)))^2))), in levels, in [0, 16). Source: Tang 2022.

    It is what MATLAB's uint8 arithmetic makes of SD: each step rounds and saturates.
    """
    x = triple.fused.of(values)
    mean = (triple.fused.of(total) / triple.fused.count)[:, None, None]
    # MATLAB rounds halves up, torch.round to even
    above = (x - mean + 0.5).floor_().clamp_(min=0)
    return Outcome(above.square_().clamp_(max=255).mean((-2, -1)).sqrt())


@definition(
    metric="SD",
    name="undivided",
    text="on [0, 1] and not divided by the number of pixels, so it grows with the image",
    source="NestFuse, analysis_metrics_7.m",
    unit="1",
)
def standard_deviation_undivided(triple: Triple) -> Outcome:
    """Return sqrt(sum((F - mean(F))^2)) / 255, at least 0; it grows with the size of the image. Source: NestFuse."""
    return Outcome((triple.fused.of(variance) * triple.fused.count).sqrt() / 255)


@metric(
    name="SF",
    title="Spatial frequency",
    better="higher",
    unit="level",
    range=(0, 360.625),  # 255 times the root of 2: a chessboard
    convention="root of row plus column frequency, each a mean over its own differences, on 0..255",
    doi="10.1109/26.477498",
    smallest=2,
    symmetric=True,
)
def spatial_frequency(triple: Triple) -> Outcome:
    """Return SF = sqrt(RF^2 + CF^2), in levels, in [0, 360.6]. Source: Eskicioglu and Fisher 1995.

    RF^2 is the mean squared difference of the M (N - 1) horizontal neighbours, CF^2 that of the (M - 1) N vertical ones.
    Noise raises it as detail does.
    """
    height, width = triple.fused.height, triple.fused.width
    row, column = triple.fused.of(squared_differences)
    return Outcome((row / (height * (width - 1)) + column / ((height - 1) * width)).sqrt())


def squared_differences(image: Image) -> tuple[Tensor, Tensor]:
    """Return the sums of squared differences of horizontal and of vertical neighbours, float64 [B] each, exact."""
    if compiled.loaded(image.levels):
        from fusionbench.metrics.compiled import images

        return images.squared_differences(image)
    x = image.of(values)
    return x.diff(dim=-1).square_().sum((-2, -1)), x.diff(dim=-2).square_().sum((-2, -1))


@definition(
    metric="SF",
    name="unit-range",
    text="on [0, 1]: the canonical value divided by 255",
    source="Tang 2022",
    smallest=2,
    unit="1",
)
def spatial_frequency_on_unit_range(triple: Triple) -> Outcome:
    """Return SF / 255, in [0, sqrt(2)]. Source: Tang 2022."""
    return Outcome(spatial_frequency(triple).values / 255)


@definition(
    metric="SF",
    name="over-pixels",
    text="both sums of squared differences are divided by the number of pixels; the channels of a color image lie "
    "side by side",
    source="VIFB",
    planes="side by side",
)
def spatial_frequency_over_pixels(triple: Triple) -> Outcome:
    """Return SF with both sums of squared differences divided by M N, in levels, in [0, 360.6]. Source: VIFB."""
    row, column = triple.fused.of(squared_differences)
    return Outcome(((row + column) / triple.fused.count).sqrt())


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
    symmetric=True,
    version=2,
)
def average_gradient(triple: Triple) -> Outcome:
    """Return AG = sum(sqrt((gx^2 + gy^2) / 2)) / ((M - 1) (N - 1)), in levels, at least 0. Source: Cui et al. 2015.

    gx and gy are central differences, one-sided at the border. The sum has M N terms; the divisor is that of the common
    toolboxes. Noise raises it as detail does.
    """
    height, width = triple.fused.height, triple.fused.width
    return Outcome(triple.fused.of(total_slope) / ((height - 1) * (width - 1)))


def total_slope(image: Image) -> Tensor:
    """Return sum(sqrt((gx^2 + gy^2) / 2)) over all pixels, float64 [B]; gx and gy as in `average_gradient`."""
    if compiled.usable(image.levels):
        from fusionbench.metrics.compiled import images

        return images.total_slope(image)
    rows, columns = torch.gradient(image.of(values), dim=(-2, -1))
    return sum_image(rows.square_().add_(columns.square_()).div_(2).sqrt_())


@definition(
    metric="AG",
    name="over-pixels",
    text="the sum of the slopes is divided by the number of pixels MN",
    source="CDDFuse, IVIF_ZOO",
    smallest=2,
    version=2,
)
def average_gradient_over_pixels(triple: Triple) -> Outcome:
    """Return AG with the divisor M N, in levels, at least 0. Source: CDDFuse, IVIF_ZOO."""
    return Outcome(triple.fused.of(total_slope) / triple.fused.count)
