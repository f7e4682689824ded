"""VIF, visual information fidelity in the pixel domain, VIFp (Sheikh and Bovik 2006).

For a source S at four scales, with means, variances v and covariances c in Gaussian windows inside the image:

    g = c_SF / (v_S + 1e-10), at least 0        r = v_F - g c_SF, at least 1e-10
    VIFp(S, F) = sum log(1 + g^2 v_S / (r + n)) / sum log(1 + v_S / n),  n = 2

The sums are over all windows of all scales; the base of the logarithm cancels. Variances below 1e-10 count as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import threshold_  # type: ignore[attr-defined]  # there, but not in its stub

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.filters import bands, gaussian_weights, smooth
from fusionbench.metrics.image_cache import Image, Outcome, Triple, constant, sum_image, values
from fusionbench.metrics.registry import definition, metric

WINDOWS = (17, 9, 5, 3)  # side of the window at each scale, whose Gaussian has a fifth of it as sigma
NOISE = 2.0  # variance of the noise of the visual system, for levels 0..255
FLAT = 1e-10  # variances below this are rounding errors and count as 0


class Reading(NamedTuple):
    """How levels are read: divided by ``scale``; products of two levels at the first scale are limited to ``limit``."""

    scale: float = 1.0
    limit: float = math.inf


LEVELS = Reading()
# of codes that read images in [0, 1] and leave n at 2
UNIT_RANGE = Reading(scale=255.0)
# of codes that compute squares in MATLAB's uint8, which saturates
SATURATING = Reading(limit=255.0)


class Texture(NamedTuple):
    """A band of rows of one scale, with mean and population variance in each window inside it, float64 [B, h, w]."""

    pixels: Tensor
    mean: Tensor
    variance: Tensor
    weights: tuple[float, ...]
    limit: float


def scales(image: Image, reading: Reading) -> Iterator[tuple[Tensor, tuple[float, ...]]]:
    """Yield the pixels of each scale, float64 [B, H, W], and the window; a scale is the one before, smoothed and halved."""
    pixels = image.of(values)
    if reading.scale != 1:
        pixels = pixels / reading.scale
    for size in WINDOWS:
        weights = gaussian_weights(size, size / 5)
        if size != WINDOWS[0]:
            pixels = smooth(pixels, weights, step=2)
        yield pixels, weights


def textures(image: Image, reading: Reading = LEVELS) -> Iterator[Texture]:
    """Yield the textures of all bands of all scales, one after the other."""
    for scale, weights in scales(image, reading):
        limit = reading.limit if len(weights) == WINDOWS[0] else math.inf
        for pixels in bands(scale, len(weights)):
            mean = smooth(pixels, weights)
            variance = smooth(_cut(pixels.square(), limit), weights).addcmul_(mean, mean, value=-1)
            yield Texture(pixels, mean, threshold_(variance, FLAT, 0.0), weights, limit)


def _cut(products: Tensor, limit: float) -> Tensor:
    return products if limit == math.inf else products.clamp_(max=limit)


def own_textures(source: Image, reading: Reading = LEVELS) -> list[Texture]:
    """Return the textures of a source as a list, which is cached for all its fused images."""
    return list(textures(source, reading))


def own_information(source: Image, reading: Reading = LEVELS) -> Tensor:
    """Return sum log(1 + v_S / n), float64 [B], in nats: the information that the visual system takes from a source."""
    variances = (texture.variance for texture in source.of(own_textures, reading))
    return reduce(add, (sum_image((variance / NOISE).add_(1).log_()) for variance in variances))


def distortion(source: Texture, fused: Texture) -> tuple[Tensor, Tensor]:
    """Return g and r of the module's equation: the fused image is modelled as g times the source plus a rest."""
    covariance = smooth(_cut(source.pixels * fused.pixels, source.limit), source.weights)
    covariance.addcmul_(source.mean, fused.mean, value=-1)
    # a negative gain counts as no information, and so does a flat window of the fused image
    gain = (covariance / (source.variance + FLAT)).clamp_(min=0).mul_(fused.variance.sign())
    return gain, torch.addcmul(fused.variance, gain, covariance, value=-1).clamp_(min=FLAT)


def preserved_information(source: Texture, fused: Texture) -> Tensor:
    """Return sum log(1 + g^2 v_S / (r + n)) over a band, float64 [B], in nats."""
    gain, rest = distortion(source, fused)
    return sum_image(gain.square_().mul_(source.variance).div_(rest.add_(NOISE)).add_(1).log_())


@metric(
    name="VIF",
    title="Visual information fidelity",
    better="higher",
    unit="1",
    range=(0, None),
    convention="pixel domain, VIFp(a, fused) + VIFp(b, fused), a sum over the sources; "
    "on 0..255, noise variance 2",
    doi="10.1109/TIP.2005.859378",
    smallest=41,
    symmetric=True,
    version=2,
    combined="sum",
)
def visual_information_fidelity(triple: Triple) -> Outcome:
    """Return VIF = VIFp(A, F) + VIFp(B, F), at least 0. Source: Sheikh and Bovik 2006; summed as in Tang's toolbox.

    VIFp of one source exceeds 1 if the fused image raises its contrast. Undefined where a source is constant, since it
    has no information.
    """
    flat_a, flat_b = triple.a.of(constant), triple.b.of(constant)
    undefined = ((flat_a, "source a is constant"), (flat_b, "source b is constant"))
    return Outcome(shares(triple).sum(0), undefined)


def shares(triple: Triple, reading: Reading = LEVELS) -> Tensor:
    """Return VIFp(A, F) and VIFp(B, F), float64 [2, B], at least 0; NaN for a source without texture."""
    if reading.limit == math.inf and compiled.usable(triple.fused.levels):
        from fusionbench.metrics.compiled import images

        return images.visual_shares(triple, reading.scale, NOISE)
    a, b, fused = triple
    fused_textures = textures(fused, reading)
    kept = sum(map(_preserved, fused_textures, a.of(own_textures, reading), b.of(own_textures, reading)))
    return kept / torch.stack((a.of(own_information, reading), b.of(own_information, reading)))


def _preserved(fused: Texture, a: Texture, b: Texture) -> Tensor:
    return torch.stack((preserved_information(a, fused), preserved_information(b, fused)))


@definition(
    metric="VIF",
    name="mean",
    text="the mean over the sources instead of the sum: half the canonical value",
    smallest=41,
    version=2,
)
def visual_information_fidelity_mean(triple: Triple) -> Outcome:
    """Return VIF / 2, the mean over the sources, at least 0."""
    total = visual_information_fidelity(triple)
    return Outcome(total.values / 2, total.undefined)


@definition(
    metric="VIF",
    name="one-for-flat",
    text="a source without any texture counts as fully kept, 1, instead of leaving the metric undefined",
    source="CDDFuse",
    smallest=41,
    version=2,
)
def visual_information_fidelity_one_for_flat(triple: Triple) -> Outcome:
    """Return VIF with VIFp = 1 for a source without texture, at least 0. Source: CDDFuse."""
    return Outcome(shares(triple).nan_to_num(nan=1.0).sum(0))


@definition(
    metric="VIF",
    name="unit-range",
    text="on [0, 1] with the noise variance of 2 unchanged, which makes it a measure of contrast",
    source="Tang's vifp_mscale.m on doubles",
    smallest=41,
    version=2,
)
def visual_information_fidelity_on_unit_range(triple: Triple) -> Outcome:
    """Return VIF of levels divided by 255 with n = 2, at least 0. Source: Tang's vifp_mscale.m on doubles.

    The noise is then far larger than all variances, so it measures contrast.
    """
    return Outcome(shares(triple, UNIT_RANGE).sum(0))


@definition(
    metric="VIF",
    name="saturating",
    text="8-bit arithmetic: products of levels are cut at 255 at the first scale, so it is too large",
    source="Tang 2022",
    smallest=41,
)
def visual_information_fidelity_saturating(triple: Triple) -> Outcome:
    """Return VIF with products of levels limited to 255 at the first scale, at least 0. Source: Tang 2022.

    It is what MATLAB's uint8 arithmetic makes of VIF.
    """
    return Outcome(shares(triple, SATURATING).sum(0))


@definition(
    metric="VIFF",
    name="vif-unit-range",
    text="VIFp(a, fused) + VIFp(b, fused) on [0, 1]: not VIFF, and a measure of contrast",
    source="one reading of CSP-MCIN's tables",
    smallest=41,
    version=2,
)
def viff_that_is_vif_on_unit_range(triple: Triple) -> Outcome:
    """Return VIF of levels divided by 255, at least 0, which one reading of CSP-MCIN's tables calls VIFF."""
    return visual_information_fidelity_on_unit_range(triple)


@definition(
    metric="VIFF",
    name="vif",
    text="VIFp(a, fused) + VIFp(b, fused), which is VIF under another name; 1 for a source without any texture",
    source="CDDFuse",
    smallest=41,
    version=2,
)
def viff_that_is_vif(triple: Triple) -> Outcome:
    """Return VIF with VIFp = 1 for a source without texture, at least 0, which CDDFuse calls VIFF."""
    return visual_information_fidelity_one_for_flat(triple)
