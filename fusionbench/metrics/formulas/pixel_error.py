"""Metrics of the difference between the fused image and its sources."""

from __future__ import annotations

import torch
from torch import Tensor

from fusionbench.metrics.image_cache import Image, Outcome, Triple, dot, values
from fusionbench.metrics.registry import definition, metric

PEAK = 255.0


def squared_difference(image: Image, other: Image) -> Tensor:
    """Return the sum of the squared differences of two images [B], exact."""
    return image.of(dot, image) - 2 * image.of(dot, other) + other.of(dot, other)


def mean_squared_errors(triple: Triple) -> Tensor:
    """Return the mean squared differences to a and to b, [2, B]."""
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
    """Measure the distance to both sources; the average of the sources has the least."""
    return Outcome(mean_squared_errors(triple).mean(0))


@definition(
    metric="MSE",
    name="unit-range",
    text="on [0, 1]: the canonical value divided by 255 squared",
    source="Tang 2022 and 2023, IVIF_ZOO",
    unit="1",
)
def mean_squared_error_on_unit_range(triple: Triple) -> Outcome:
    """Measure the distance to both sources on [0, 1]."""
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
    """Measure the distance to both sources in levels."""
    return Outcome(mean_squared_error(triple).values.sqrt())


@definition(
    metric="RMSE",
    name="vifb",
    text="the root of the sum of squares is divided by the number of pixels, mean over the sources: no RMSE, and "
    "smaller for larger images",
    source="VIFB",
)
def root_of_sum_over_pixels(triple: Triple) -> Outcome:
    """Measure the root of the summed squares per pixel."""
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
    """Measure the closeness to both sources in decibels.

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
    """Measure closeness with a peak that does not fit the range."""
    return _decibels(PEAK**2, mean_squared_error(triple).values / PEAK**2)


@definition(
    metric="PSNR",
    name="peak-of-fused",
    text="the peak is the largest level of the fused image",
    source="CDDFuse",
    unit="dB",
)
def peak_of_fused(triple: Triple) -> Outcome:
    """Measure closeness relative to the brightest pixel of the fused image.

    Undefined where the fused image is black, too.
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
    """Measure closeness from VIFB's error."""
    return _decibels(PEAK**2, _roots_over_pixels(triple))


@definition(
    metric="PSNR",
    name="mean-of-two",
    text="the PSNR of each source with peak 255, then their mean",
    unit="dB",
    combined="mean",
)
def mean_of_two(triple: Triple) -> Outcome:
    """Measure closeness as the mean of two PSNRs.

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
