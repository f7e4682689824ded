"""Metrics based on the contrast sensitivity of the eye: Qcb (Chen and Blum 2009), Qcv (Chen and Varshney 2007)."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from fusionbench.metrics.formulas.edges import sobel_differences
from fusionbench.metrics.formulas.filters import smooth
from fusionbench.metrics.formulas.toolbox.stretch import stretched, unstretchable
from fusionbench.metrics.image_cache import Image, Outcome, Triple, constant, sum_image, values
from fusionbench.metrics.registry import definition, metric

REACH = 15  # pixels on each side of the centre of the two Gaussians
GUARD = 1e-10  # added to denominators in IVIF_ZOO
MASK = 1e-4  # Z of the masking function C^3 / (C^2 + Z): contrasts below its root are suppressed
BLOCK = 16  # side of a block of Qcv in pixels
EMPHASIS = 5  # exponent of the edge strength in the saliency of a block


def frequencies(image: Image, distance: float) -> Tensor:
    """Return the radial frequency of each coefficient of a real Fourier transform, float64 [H, W // 2 + 1].

    The Nyquist frequency is the side divided by ``distance``, as in the reference codes: a pixel of a larger image is
    thus seen under a smaller angle.
    """
    device = image.levels.device
    rows = torch.fft.fftfreq(image.height, 0.5 * distance / image.height, dtype=torch.float64, device=device)
    columns = torch.fft.rfftfreq(
        image.width, 0.5 * distance / image.width, dtype=torch.float64, device=device
    )
    return torch.hypot(rows[:, None], columns[None])


def filtered(pixels: Tensor, response: Tensor) -> Tensor:
    """Return [B, H, W] with its spectrum multiplied by a real, even response.

    Each image is transformed on its own, because a batched transform can differ in the last digit.
    """
    size = pixels.shape[-2:]
    return torch.stack([torch.fft.irfft2(torch.fft.rfft2(image) * response, s=size) for image in pixels])


@cache
def _bell(sigma: float) -> tuple[float, ...]:
    """Return 31 samples of the density of a Gaussian, not normalised: their sum is slightly below 1."""
    scale = 1 / (math.sqrt(2 * math.pi) * sigma)
    return tuple(scale * math.exp(-((i - REACH) ** 2) / (2 * sigma**2)) for i in range(2 * REACH + 1))


def masked_contrast(image: Image) -> Tensor:
    """Return the masked local contrast C^3 / (C^2 + Z) of a stretched image, float64 [B, H, W]."""
    return _masked(local_contrast(image.of(values), frequencies(image, 30)))


def local_contrast(pixels: Tensor, radius: Tensor, guard: float = 0.0) -> Tensor:
    """Return the local contrast C = |G2 * I / (G4 * I) - 1|, float64 [B, H, W].

    I is the image filtered by the sensitivity exp(-(r / 15.3870)^2) - 0.7622 exp(-(r / 1.3456)^2) at frequency r, and G2
    and G4 are Gaussians of 2 and 4 pixels with zero padding.
    """
    sensitivity = (-((radius / 15.3870) ** 2)).exp() - 0.7622 * (-((radius / 1.3456) ** 2)).exp()
    seen = pad(filtered(pixels, sensitivity), (REACH,) * 4)
    return (smooth(seen, _bell(2.0)) / (smooth(seen, _bell(4.0)) + guard) - 1).abs_()


def _masked(contrast: Tensor) -> Tensor:
    return contrast**3 / (contrast.square() + MASK)


@metric(
    name="Qcb",
    title="Chen-Blum quality Q_CB",
    better="higher",
    unit="1",
    range=(0, 1),
    convention="each image stretched to 0..255 by itself, contrast sensitivity with the viewing distance of 30 / side, "
    "local contrast of two Gaussians of 2 and 4 pixels with zero padding, Z = 0.0001; mean of the saliency-weighted ratios",
    doi="10.1016/j.imavis.2007.12.002",
    symmetric=True,
)
def contrast_preservation(triple: Triple) -> Outcome:
    """Return Qcb = mean(k_A Q_A + k_B Q_B), in [0, 1]. Source: Chen and Blum 2009, as in VIFB and Liu's toolbox.

    Q_S = min(M_S, M_F) / max(M_S, M_F) and k_S = M_S^2 / (M_A^2 + M_B^2) with masked contrasts M of `masked_contrast`.
    Undefined where an image is constant. Where an image is black over more than 31 pixels, the contrast is a ratio of
    rounding errors; docs/calibration.md says how far the value can be trusted there.
    """
    bright = Triple(*(image.of(stretched) for image in triple))
    a, b, fused = (image.of(masked_contrast) for image in bright)
    weight_a, weight_b = a.square(), b.square()
    quality = weight_a * _ratio(a, fused) + weight_b * _ratio(b, fused)
    value = sum_image(quality / (weight_a + weight_b)) / triple.fused.count
    names = ("source a is", "source b is", "the fused image is")
    flat = ((image.of(constant), f"{name} constant") for name, image in zip(names, triple, strict=True))
    return Outcome(value, tuple(flat))


def _ratio(source: Tensor, fused: Tensor, guard: float = 0.0) -> Tensor:
    return torch.minimum(source, fused) / (torch.maximum(source, fused) + guard)


@definition(
    metric="Qcb",
    name="half-frequency",
    text="stretched to 0..1 without rounding, frequencies half as high, 1e-10 added below: within 2 % on natural images, "
    "9 to 21 % lower on black backgrounds, where float32 there decides",
    source="IVIF_ZOO (Qcb)",
)
def contrast_preservation_half_frequency(triple: Triple) -> Outcome:
    """Return Qcb of unrounded images on [0, 1] with half the frequencies and guarded fractions, in [0, 1].

    Source: IVIF_ZOO (Qcb).
    """
    a, b, fused = (image.of(_half_frequency_contrast) for image in triple)
    weight_a, weight_b = a.square(), b.square()
    quality = weight_a * _ratio(a, fused, GUARD) + weight_b * _ratio(b, fused, GUARD)
    return Outcome(sum_image(quality / (weight_a + weight_b + GUARD)) / triple.fused.count)


def _half_frequency_contrast(image: Image) -> Tensor:
    x = image.of(values)
    low, high = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
    return _masked(local_contrast((x - low) / (high - low), frequencies(image, 60), GUARD))


def block_sums(pixels: Tensor) -> Tensor:
    """Return the sums over blocks of 16x16 pixels, [B, h, w]; incomplete blocks are filled up with zeros."""
    height, width = pixels.shape[-2:]
    filled = pad(pixels[:, None], (0, -width % BLOCK, 0, -height % BLOCK))
    return avg_pool2d(filled, BLOCK, divisor_override=1)[:, 0]


def block_saliency(image: Image) -> Tensor:
    """Return the saliency, sum(g^5) with Sobel strengths g, of each block of a stretched image, float64 [B, h, w].

    Zeros beyond the border make the frame of a bright image an edge, as in the reference codes.
    """
    horizontal, vertical = sobel_differences(pad(image.of(values), (1, 1, 1, 1)))
    return block_sums(torch.hypot(horizontal, vertical) ** EMPHASIS)


def block_error(source: Image, fused: Image) -> Tensor:
    """Return the mean squared error in each block of two stretched images as the eye sees it, float64 [B, h, w].

    The difference is filtered by 2.6 (0.0192 + r) exp(-r^1.1), r = 0.144 times the frequency: the form of Mannos and
    Sakrison with the factor of the reference codes.
    """
    radius = 0.144 * frequencies(source, 8)
    sensitivity = 2.6 * (0.0192 + radius) * (-(radius**1.1)).exp()
    seen = filtered(source.of(values) - fused.of(values), sensitivity)
    return block_sums(seen.square_()) / BLOCK**2


@metric(
    name="Qcv",
    title="Chen-Varshney quality Q_CV",
    better="lower",
    unit="level^2",
    range=(0, None),
    convention="each image stretched to 0..255 by itself, errors filtered by Mannos and Sakrison's contrast sensitivity, "
    "mean over 16x16 blocks weighted by the sources' edge strength to the power of 5, zero padding",
    doi="10.1016/j.inffus.2005.10.001",
    symmetric=True,
)
def visible_error(triple: Triple) -> Outcome:
    """Return Qcv = sum(k_A D_A + k_B D_B) / sum(k_A + k_B) over blocks, in squared levels, at least 0.

    k is `block_saliency` and D `block_error`. Undefined for constant images other than black ones, and for two black
    sources. Source: Chen and Varshney 2007.
    """
    a, b, fused = (image.of(stretched) for image in triple)
    of_a, of_b = a.of(block_saliency), b.of(block_saliency)
    weighted = sum_image(of_a * fused.of(block_error, a)) + sum_image(of_b * fused.of(block_error, b))
    total = sum_image(of_a) + sum_image(of_b)
    return Outcome(weighted / total, (*unstretchable(triple), (total == 0, "both sources are black")))
