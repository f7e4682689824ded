"""FMI, feature mutual information in sliding windows (Haghighat and Razian 2014, "Fast-FMI").

In each 3x3 window the features of an image, stretched to [0, 1] and divided by their sum, are taken as the
probabilities of nine states. The joint probabilities of two images are modelled from their correlation as a mixture of
independence and a Frechet bound, the upper bound for positive and the lower bound for negative correlation. Then

    FMI = mean over windows of (2 I(A, F) / (H(A) + H(F)) + 2 I(B, F) / (H(B) + H(F))) / 2,  I(X, Y) = H(X) + H(Y) - H(X, Y)

Equal windows count as 1. The value is at most 1; the model can make I negative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from torch import Tensor

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.features import cosine_coefficients, raw, slope, wavelets
from fusionbench.metrics.formulas.filters import bands
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image
from fusionbench.metrics.registry import definition, metric

SIDE = 3
# the pixels of a window are the states of a distribution
STATES = SIDE**2
PIXELS = 2**12  # pixels of a band: arrays with 81 numbers per pixel then stay in the CPU's cache


class Window(NamedTuple):
    """The features in the window around each pixel of a band, [9, B, H - 2, W - 2], in the order of columns.

    ``stretched``, ``chances`` (probabilities) and ``cumulated`` (their cumulated sums) have the same shape;
    ``deviation`` (of the state's number) and ``entropy`` (in nats) are [B, H - 2, W - 2].
    """

    features: Tensor
    stretched: Tensor
    chances: Tensor
    cumulated: Tensor
    deviation: Tensor
    entropy: Tensor


def windows(band: Tensor) -> Window:
    """Return the windows of a band of features [B, H, W]."""
    height, width = band.shape[-2] - SIDE + 1, band.shape[-1] - SIDE + 1
    # column by column, as MATLAB reads a window: cumulated probabilities depend on the order of the states
    places = [(row, column) for column in range(SIDE) for row in range(SIDE)]
    features = torch.stack([band[..., r : r + height, c : c + width] for r, c in places])
    low, high = features.amin(0), features.amax(0)
    stretched = torch.where(high == low, 1.0, (features - low) / (high - low))
    chances = stretched / _total(stretched)
    mean = _total(torch.stack([(k + 1) * chances[k] for k in range(STATES)]))
    square = _total(torch.stack([(k + 1) ** 2 * chances[k] for k in range(STATES)]))
    # negative only by rounding
    deviation = (square - mean**2).clamp_(min=0).sqrt_()
    return Window(
        features, stretched, chances, chances.cumsum(0), deviation, torch.special.entr(chances).sum(0)
    )


def _total(x: Tensor) -> Tensor:
    """Return the sum over the states, added in a fixed order so that equal windows give equal digits."""
    total = x[0].clone()
    for part in x[1:]:
        total += part
    return total


def shared(source: Window, fused: Window) -> Tensor:
    """Return 2 I / (H + H) of two images in each window, [B, H - 2, W - 2], at most 1; 0 where I is 0."""
    correlation = _correlation(source.chances, fused.chances)
    x, y = fused.cumulated[:, None], source.cumulated[None]
    bound = torch.where(correlation >= 0, torch.minimum(x, y), (x + y - 1).clamp_(min=0))
    covariance = (bound - x * y).sum((0, 1))  # of the states' numbers under the bound, by Hoeffding's formula
    deviations = source.deviation * fused.deviation
    related = (correlation != 0) & (deviations != 0)
    mixture = torch.where(related, correlation * deviations / covariance, 0.0)
    joint = (fused.chances[:, None] * source.chances[None]).mul_(1 - mixture)
    joint.addcmul_(mixture, _differences(bound))
    # the mixture can lie outside of [0, 1] and make joint probabilities negative; the reference code then takes the
    # logarithm of the absolute value
    joint_entropy = -torch.xlogy(joint, joint.abs()).sum((0, 1))
    entropies = source.entropy + fused.entropy
    information = entropies - joint_entropy
    return torch.where(information == 0, 0.0, 2 * information / entropies)


def _differences(cumulated: Tensor) -> Tensor:
    """Return the probabilities of pairs of states, [9, 9, ...], from their sums cumulated over both states."""
    before = torch.zeros_like(cumulated[:1])
    rows = cumulated.diff(dim=0, prepend=before)
    return rows.diff(dim=1, prepend=torch.zeros_like(rows[:, :1]))


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    """Return Pearson's correlation of the probabilities of two images, 0 where their covariance is 0."""
    x, y = x - _total(x) / STATES, y - _total(y) / STATES
    product = _total(x * y)
    return torch.where(product == 0, 0.0, product / (_total(x * x) * _total(y * y)).sqrt())


Feature = Callable[[Image], Tensor]


def feature_information(triple: Triple, feature: Feature, alone: bool = True) -> Tensor:
    """Return FMI of the module's equation, float64 [B], at most 1, for the maps that ``feature`` returns.

    With ``alone=False`` the error of Tang's code is reproduced: where a's window differs from the fused image's, the
    latter has been stretched in place before b's window is tested for equality with it.
    """
    maps = [image.of(feature) for image in triple]
    places = (maps[0].shape[-2] - SIDE + 1) * (maps[0].shape[-1] - SIDE + 1)
    if alone and compiled.usable(triple.fused.levels):
        from fusionbench.metrics.compiled import images

        return images.feature_shares(triple, feature) / (2 * places)
    parts = zip(*(bands(image, SIDE, PIXELS) for image in maps), strict=True)
    sums = (_band_information(windows(a), windows(b), windows(fused), alone) for a, b, fused in parts)
    return reduce(add, sums) / (2 * places)


def _band_information(a: Window, b: Window, fused: Window, alone: bool) -> Tensor:
    equal_a = (a.features == fused.features).all(0)
    equal_b = (b.features == fused.features).all(0)
    if not alone:
        equal_b = torch.where(equal_a, equal_b, (b.features == fused.stretched).all(0))
    from_a = torch.where(equal_a, 1.0, shared(a, fused))
    return sum_image(from_a + torch.where(equal_b, 1.0, shared(b, fused)))


@metric(
    name="FMI_pixel",
    title="Feature mutual information of pixels",
    better="higher",
    unit="1",
    range=(None, 1),
    convention="Fast-FMI of Haghighat and Razian 2014 on raw pixels, 3x3 windows, mean over windows and sources",
    doi="10.1109/ICAICT.2014.7035999",
    smallest=3,
    symmetric=True,
    version=2,
)
def pixel_information(triple: Triple) -> Outcome:
    """Return FMI of raw pixels, at most 1. Source: Haghighat and Razian 2014."""
    return Outcome(feature_information(triple, raw))


@definition(
    metric="FMI_pixel",
    name="shared-window",
    text="where a's window differs from the fused image's, b's is compared to the latter stretched to [0, 1], so that "
    "equal windows with one bright pixel share nothing",
    source="Tang 2022 and 2023, analysis_fmi.m",
    smallest=3,
)
def pixel_information_as_tang(triple: Triple) -> Outcome:
    """Return FMI of raw pixels with Tang's fused window overwritten before it is compared with b, at most 1."""
    return Outcome(feature_information(triple, raw, alone=False))


@metric(
    name="FMI_gradient",
    title="Feature mutual information of gradients",
    better="higher",
    unit="1",
    range=(None, 1),
    convention="Fast-FMI of Haghighat and Razian 2014 on horizontal slopes, 3x3 windows, mean over windows and sources",
    doi="10.1109/ICAICT.2014.7035999",
    smallest=3,
    symmetric=True,
    version=2,
)
def gradient_information(triple: Triple) -> Outcome:
    """Return FMI of horizontal slopes, at most 1. Source: Haghighat and Razian 2014."""
    return Outcome(feature_information(triple, slope))


@definition(
    metric="FMI_gradient",
    name="shared-window",
    text="where a's window differs from the fused image's, b's is compared to the latter stretched to [0, 1], so that "
    "equal windows with one bright pixel share nothing",
    source="Tang 2022 and 2023, analysis_fmi.m",
    smallest=3,
)
def gradient_information_as_tang(triple: Triple) -> Outcome:
    """Return FMI of slopes with Tang's fused window overwritten before it is compared with b, at most 1."""
    return Outcome(feature_information(triple, slope, alone=False))


@metric(
    name="FMI_dct",
    title="Feature mutual information of cosine coefficients",
    better="higher",
    unit="1",
    range=(None, 1),
    convention="Fast-FMI of Haghighat and Razian 2014 on cosine coefficients of the whole image, 3x3 windows, mean over windows and sources",
    doi="10.1109/ICAICT.2014.7035999",
    smallest=3,
    symmetric=True,
    version=2,
)
def dct_information(triple: Triple) -> Outcome:
    """Return FMI of the cosine coefficients of the whole image, at most 1. Source: Haghighat and Razian 2014."""
    return Outcome(feature_information(triple, cosine_coefficients))


@definition(
    metric="FMI_dct",
    name="shared-window",
    text="where a's window differs from the fused image's, b's is compared to the latter stretched to [0, 1], so that "
    "equal windows with one bright pixel share nothing",
    source="Tang 2022 and 2023, analysis_fmi.m",
    smallest=3,
)
def dct_information_as_tang(triple: Triple) -> Outcome:
    """Return FMI of cosine coefficients with Tang's fused window overwritten before the comparison with b, at most 1."""
    return Outcome(feature_information(triple, cosine_coefficients, alone=False))


def flat_wavelets(triple: Triple) -> tuple[tuple[Tensor, str], ...]:
    """Return masks [B] with reasons for images whose coefficients are all equal (black ones), so cannot be stretched."""
    images = zip(("source a", "source b", "the fused image"), triple, strict=True)
    return tuple(
        (image.of(wavelets).isnan().flatten(1).any(1), f"the wavelet coefficients of {name} are all equal")
        for name, image in images
    )


@metric(
    name="FMI_wavelet",
    title="Feature mutual information of wavelet coefficients",
    better="higher",
    unit="1",
    range=(None, 1),
    convention="Fast-FMI of Haghighat and Razian 2014 on one level of the discrete Meyer wavelet, its quarters side by side, 3x3 windows, mean over windows and sources",
    doi="10.1109/ICAICT.2014.7035999",
    smallest=3,
    symmetric=True,
    version=2,
)
def wavelet_information(triple: Triple) -> Outcome:
    """Return FMI of one level of the discrete Meyer wavelet, at most 1. Source: Haghighat and Razian 2014."""
    return Outcome(feature_information(triple, wavelets), flat_wavelets(triple))


@definition(
    metric="FMI_wavelet",
    name="shared-window",
    text="where a's window differs from the fused image's, b's is compared to the latter stretched to [0, 1], so that "
    "equal windows with one bright pixel share nothing",
    source="Tang 2022 and 2023, analysis_fmi.m",
    smallest=3,
)
def wavelet_information_as_tang(triple: Triple) -> Outcome:
    """Return FMI of wavelets with Tang's fused window overwritten before it is compared with b, at most 1."""
    return Outcome(feature_information(triple, wavelets, alone=False), flat_wavelets(triple))
