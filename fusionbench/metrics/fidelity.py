"""Visual information fidelity in the pixel domain: a Gaussian scale mixture at four scales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import threshold_

from fusionbench.metrics.filters import bands, gaussian, smooth
from fusionbench.metrics.registry import metric
from fusionbench.metrics.statistics import Image, Outcome, Triple, constant, sum_image, values

WINDOWS = (17, 9, 5, 3)  # a Gaussian of a fifth of its size for each scale
NOISE = 2.0  # variance of the noise of the visual system, on 0..255
FLAT = 1e-10  # a variance below this is rounding


class Texture(NamedTuple):
    """A band of pixels of one scale, and mean and population variance in each window inside it."""

    pixels: Tensor
    mean: Tensor
    variance: Tensor
    weights: tuple[float, ...]


def scales(image: Image) -> Iterator[tuple[Tensor, tuple[float, ...]]]:
    """Yield each scale of an image, smoothed and halved from the one before, with its window."""
    pixels = image.of(values)
    for size in WINDOWS:
        weights = gaussian(size, size / 5)
        if size != WINDOWS[0]:
            pixels = smooth(pixels, weights, step=2)
        yield pixels, weights


def textures(image: Image) -> Iterator[Texture]:
    """Yield the textures of all bands of all scales, each made when it is asked for."""
    for scale, weights in scales(image):
        for pixels in bands(scale, len(weights)):
            mean = smooth(pixels, weights)
            variance = smooth(pixels.square(), weights).addcmul_(mean, mean, value=-1)
            yield Texture(pixels, mean, threshold_(variance, FLAT, 0.0), weights)


def own_textures(source: Image) -> list[Texture]:
    """Return the textures of a source, to be kept for all fused images."""
    return list(textures(source))


def own_information(source: Image) -> Tensor:
    """Return the information that the visual system takes from a source [B], in nats."""
    variances = (texture.variance for texture in source.of(own_textures))
    return sum(sum_image((variance / NOISE).add_(1).log_()) for variance in variances)


def preserved_information(source: Texture, fused: Texture) -> Tensor:
    """Return what of that information is found in a band of the fused image [B], in nats.

    The fused image is modeled as gain times source plus noise.
    """
    covariance = smooth(source.pixels * fused.pixels, source.weights)
    covariance.addcmul_(source.mean, fused.mean, value=-1)
    # a negative gain counts as no information, and so does a flat area of the fused image
    gain = (covariance / (source.variance + FLAT)).clamp_(min=0).mul_(fused.variance.sign())
    noise = torch.addcmul(fused.variance, gain, covariance, value=-1).clamp_(min=FLAT).add_(NOISE)
    return sum_image(gain.square_().mul_(source.variance).div_(noise).add_(1).log_())


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
)
def visual_information_fidelity(triple: Triple) -> Outcome:
    """Measure the share of both sources' visual information that the fused image keeps.

    A source's share is above 1 where the fused image raises its contrast. Undefined where a source is
    constant: it holds no information.
    """
    a, b, fused = triple
    from_a, from_b = sum(map(_preserved, textures(fused), a.of(own_textures), b.of(own_textures)))
    undefined = ((a.of(constant), "source a is constant"), (b.of(constant), "source b is constant"))
    return Outcome(from_a / a.of(own_information) + from_b / b.of(own_information), undefined)


def _preserved(fused: Texture, a: Texture, b: Texture) -> Tensor:
    return torch.stack((preserved_information(a, fused), preserved_information(b, fused)))
