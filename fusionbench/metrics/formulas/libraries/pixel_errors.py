"""PSNR, entropy and edge strength as libraries compute them, where they differ from the canonical definitions."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics.formulas.edges import sobel_differences
from fusionbench.metrics.formulas.pixel_error import PEAK, mean_squared_errors
from fusionbench.metrics.image_cache import Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition

GUARD = 1e-8 * PEAK**2  # added to the mean squared error of levels 0..255: 1e-8 on [0, 1]


@definition(
    metric="PSNR",
    name="guarded",
    text="1e-8 is added to the mean squared error on [0, 1], so that equal images have 80 dB; the PSNR of each source, "
    "then their mean",
    source="pyiqa, piq, piqa",
    unit="dB",
    combined="mean",
)
def guarded_psnr(triple: Triple) -> Outcome:
    """Return mean over S = A, B of 10 log10(255^2 / (MSE(S, F) + 1e-8 * 255^2)), in dB, in [0, 80]. Source: pyiqa, piq."""
    return Outcome(10 * (PEAK**2 / (mean_squared_errors(triple) + GUARD)).log10().mean(0))


@definition(
    metric="PSNR",
    name="peak-4095",
    text="a peak of 4095 on levels 0..255: 24.11 dB too high; the PSNR of each source, then their mean",
    source="image-similarity-measures' default",
    unit="dB",
    combined="mean",
)
def psnr_of_12_bit(triple: Triple) -> Outcome:
    """Return mean over S = A, B of 10 log10(4095^2 / MSE(S, F)), in dB, at least 24.1.

    Undefined where the fused image equals a source. Source: image-similarity-measures, whose default is 12 bits.
    """
    errors = mean_squared_errors(triple)
    undefined = tuple(
        (error == 0, f"the fused image equals source {name}")
        for name, error in zip("ab", errors, strict=True)
    )
    return Outcome(20 * math.log10(4095) - 10 * errors.log10().mean(0), undefined)


@definition(
    metric="EN",
    name="above-zero",
    text="of doubles MATLAB's and Octave's entropy() takes 0..1 to be the range: of levels 0..255 all but 0 are cut to 1, "
    "and the value is the entropy of whether a pixel is above 0",
    source="Octave's (MATLAB's) entropy(double(image))",
    unit="bit",
)
def entropy_above_zero(triple: Triple) -> Outcome:
    """Return -sum p log2(p) of the two shares of pixels at 0 and above 0, in bits, in [0, 1].

    Source: entropy() of Octave and MATLAB called with doubles on 0..255.
    """
    black = (triple.fused.levels == 0).double().mean((-2, -1))
    shares = torch.stack((black, 1 - black))
    return Outcome(torch.special.entr(shares).sum(0) / math.log(2))


def _strength(triple: Triple, border: str) -> Tensor:
    padded = pad(triple.fused.of(values)[:, None], (1, 1, 1, 1), mode=border)[:, 0]
    return sum_image(torch.hypot(*sobel_differences(padded))) / triple.fused.count


@definition(
    metric="Edge_intensity",
    name="over-8",
    text="kernels divided by 8: an eighth of the canonical value, border repeated",
    source="kornia.filters.sobel",
)
def edge_intensity_over_8(triple: Triple) -> Outcome:
    """Return mean(sqrt(gx^2 + gy^2)) / 8, in levels, at least 0: 1 for a ramp of one level per pixel. Source: kornia."""
    return Outcome(_strength(triple, "replicate") / 8)


@definition(
    metric="Edge_intensity",
    name="over-4-root-2",
    text="kernels divided by 4 and the magnitude by the root of 2: 0.1768 of the canonical value, 1.414 times kornia's; "
    "border repeated",
    source="skimage.filters.sobel",
)
def edge_intensity_over_4_root_2(triple: Triple) -> Outcome:
    """Return mean(sqrt(gx^2 + gy^2)) / (4 sqrt(2)), in levels, at least 0. Source: scikit-image."""
    return Outcome(_strength(triple, "replicate") / (4 * math.sqrt(2)))


@definition(
    metric="Edge_intensity",
    name="mirrored-border",
    text="kernels not normalized, beyond the border the image is mirrored without its edge",
    source="cv2.Sobel",
    smallest=2,
)
def edge_intensity_mirrored(triple: Triple) -> Outcome:
    """Return mean(sqrt(gx^2 + gy^2)) of unnormalised Sobel kernels with a mirrored border, in levels. Source: OpenCV."""
    return Outcome(_strength(triple, "reflect"))
