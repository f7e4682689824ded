"""Metrics of the differences between the fused image and its sources (MSE, RMSE, PSNR), from exact integer sums."""

from __future__ import annotations

import torch
from torch import Tensor

from fusionbench.metrics.image_cache import Image, Outcome, Triple, dot, values
from fusionbench.metrics.registry import definition, metric

PEAK = 255.0


def squared_difference(image: Image, other: Image) -> Tensor:
    """Return sum((X - Y)^2) = sum(X^2) - 2 sum(XY) + sum(Y^2), float64 [B], exact on integers."""
    return image.of(dot, image) - 2 * image.of(dot, other) + other.of(dot, other)


def mean_squared_errors(triple: Triple) -> Tensor:
    """Return MSE(A, F) and MSE(B, F), float64 [2, B], in squared levels."""
    a, b, fused = triple
    return torch.stack((fused.of(squared_difference, a), fused.of(squared_difference, b))) / fused.count


@metric(
    name="MSE",
    title="Mean squared error",
    better="lower",
    unit="level^2",
    range=(0, 65025),
    convention="mean of MSE(a, fused) and MSE(b, fused), on 0..255",
    doi="10.1016/j.aqpro.2015.02.019",
    symmetric=True,
)
def mean_squared_error(triple: Triple) -> Outcome:
    """Return MSE = (mean((A - F)^2) + mean((B - F)^2)) / 2, in squared levels, in [0, 65025].

    The average of the sources has the smallest value. Source: Jagalingam and Hegde 2015.
    """
    return Outcome(mean_squared_errors(triple).mean(0))


@definition(
    metric="MSE",
    name="unit-range",
    text="on [0, 1]: the canonical value divided by 255 squared",
    source="Tang 2022 and 2023, IVIF_ZOO",
    unit="1",
)
def mean_squared_error_on_unit_range(triple: Triple) -> Outcome:
    """Return MSE / 255^2, in [0, 1]. Source: Tang 2022 and 2023, IVIF_ZOO."""
    return Outcome(mean_squared_error(triple).values / PEAK**2)


@metric(
    name="RMSE",
    title="Root mean squared error",
    better="lower",
    unit="level",
    range=(0, 255),
    convention="root of the canonical MSE, on 0..255",
    doi="10.1016/j.aqpro.2015.02.019",
    symmetric=True,
)
def root_mean_squared_error(triple: Triple) -> Outcome:
    """Return RMSE = sqrt(MSE), in levels, in [0, 255]. Source: Jagalingam and Hegde 2015."""
    return Outcome(mean_squared_error(triple).values.sqrt())


@definition(
    metric="RMSE",
    name="vifb",
    text="the root of the sum of squares is divided by the number of pixels, mean over the sources: no RMSE, and "
    "smaller for larger images",
    source="VIFB",
)
def root_of_sum_over_pixels(triple: Triple) -> Outcome:
    """Return mean over S = A, B of sqrt(sum((S - F)^2)) / (M N), in levels, at least 0. Source: VIFB."""
    return Outcome(_roots_over_pixels(triple))


def _roots_over_pixels(triple: Triple) -> Tensor:
    return (mean_squared_errors(triple) / triple.fused.count).sqrt().mean(0)


@metric(
    name="PSNR",
    title="Peak signal-to-noise ratio",
    better="higher",
    unit="dB",
    range=(0, None),
    convention="10 log10(255^2 / MSE) of the canonical MSE",
    doi="10.1016/j.aqpro.2015.02.019",
    symmetric=True,
)
def peak_signal_to_noise_ratio(triple: Triple) -> Outcome:
    """Return PSNR = 10 log10(255^2 / MSE), in dB, at least 0. Source: Jagalingam and Hegde 2015.

    Undefined where the fused image equals both sources.
    """
    return _decibels(PEAK**2, mean_squared_error(triple).values)


@definition(
    metric="PSNR",
    name="peak-255-on-unit-range",
    text="peak 255 against the error on [0, 1]: the canonical value plus 48.13 dB",
    source="Tang 2022 and 2023, IVIF_ZOO",
    unit="dB",
)
def peak_255_on_unit_range(triple: Triple) -> Outcome:
    """Return 10 log10(255^2 / (MSE / 255^2)) = PSNR + 48.13 dB, in dB. Source: Tang 2022 and 2023, IVIF_ZOO.

    The peak of 255 does not belong to the error on [0, 1]. Undefined where the fused image equals both sources.
    """
    return _decibels(PEAK**2, mean_squared_error(triple).values / PEAK**2)


@definition(
    metric="PSNR",
    name="peak-of-fused",
    text="the peak is the largest level of the fused image",
    source="CDDFuse",
    unit="dB",
)
def peak_of_fused(triple: Triple) -> Outcome:
    """Return 10 log10(max(F)^2 / MSE), in dB. Source: CDDFuse.

    Undefined where the fused image equals both sources, and where it is black.
    """
    peak = triple.fused.of(values).amax((-2, -1))
    ratio = _decibels(peak**2, mean_squared_error(triple).values)
    return Outcome(ratio.values, (*ratio.undefined, (peak == 0, "the fused image is black")))


@definition(
    metric="PSNR",
    name="vifb",
    text="the error under the root is VIFB's, the root of the sum of squares over the number of pixels: values "
    "between 54 and 59 dB",
    source="VIFB",
    unit="dB",
)
def peak_over_roots(triple: Triple) -> Outcome:
    """Return 10 log10(255^2 / e) with e the value of `root_of_sum_over_pixels`, in dB. Source: VIFB.

    Undefined where the fused image equals both sources.
    """
    return _decibels(PEAK**2, _roots_over_pixels(triple))


@definition(
    metric="PSNR",
    name="mean-of-two",
    text="the PSNR of each source with peak 255, then their mean",
    unit="dB",
    combined="mean",
)
def mean_of_two(triple: Triple) -> Outcome:
    """Return mean over S = A, B of 10 log10(255^2 / MSE(S, F)), in dB, at least 0.

    Undefined where the fused image equals a source.
    """
    errors = mean_squared_errors(triple)
    undefined = tuple(
        (error == 0, f"the fused image equals source {name}")
        for name, error in zip("ab", errors, strict=True)
    )
    return Outcome(10 * (PEAK**2 / errors).log10().mean(0), undefined)


def _decibels(peak: Tensor | float, error: Tensor) -> Outcome:
    return Outcome(10 * (peak / error).log10(), ((error == 0, "the fused image equals both sources"),))
