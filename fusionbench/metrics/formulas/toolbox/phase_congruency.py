"""QP, the preservation of phase congruency (Zhao, Laganiere and Liu 2007).

Phase congruency is Kovesi's, with the details of the code that accompanies the metric. Some of them are errors that
are reproduced here: the low-pass filter of odd sides is shifted by one sample, and the mixed moment is a quarter of
Kovesi's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache, reduce
from operator import mul
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics.formulas.filters import gaussian_weights, smooth
from fusionbench.metrics.image_cache import Image, Outcome, Triple, constant, sum_image, values
from fusionbench.metrics.registry import metric

SCALES, ORIENTATIONS = 4, 6
SHORTEST, FACTOR = (
    3.0,
    2.1,
)  # wavelength of the finest scale in pixels, and the ratio of one scale to the next
BANDWIDTH = 0.55  # standard deviation of a log-Gabor filter relative to its frequency
SPREAD = math.pi / ORIENTATIONS / 1.2  # standard deviation of a filter's orientation in radians
EPSILON = 1e-4  # keeps fractions finite where there is no energy
NOISE_DEVIATIONS = 2.0  # standard deviations above its mean at which noise is cut
VISIBLE = 0.1  # phase congruency from which on a pixel counts as a feature
WINDOW = gaussian_weights(11, 1.5)
STABLE = 1e-4  # added to numerator and denominator of local correlations


class PhaseMaps(NamedTuple):
    """The phase congruency, and the largest and smallest moment over its orientations, float64 [B, H, W] each."""

    congruency: Tensor
    largest: Tensor
    smallest: Tensor


class Bank(NamedTuple):
    """The filters in the frequency domain: radial [scale, H, W] and angular [orientation, H, W], zero at the corner."""

    radial: Tensor
    angular: Tensor


@lru_cache(maxsize=4)
def filter_bank(height: int, width: int, device: torch.device) -> Bank:
    """Return the log-Gabor filters for an image size; the latest four sizes are cached."""
    vertical, horizontal = (_frequencies(side, device) for side in (height, width))
    x, y = torch.meshgrid(horizontal, vertical, indexing="xy")
    radius = torch.hypot(x, y)
    radius[0, 0] = 1.0  # avoids log(0); the response at frequency 0 is set to 0 below
    low_pass = _low_pass(height, width, device)
    wavelengths = (SHORTEST * FACTOR**scale for scale in range(SCALES))
    radial = torch.stack(
        [
            (-((radius * length).log() ** 2) / (2 * math.log(BANDWIDTH) ** 2)).exp() * low_pass
            for length in wavelengths
        ]
    )
    radial[:, 0, 0] = 0.0
    angle = torch.atan2(-y, x)
    return Bank(radial, torch.stack([_fan(angle, k * math.pi / ORIENTATIONS) for k in range(ORIENTATIONS)]))


def _frequencies(side: int, device: torch.device) -> Tensor:
    """Return the frequencies of a side in the order of a transform, in cycles per pixel.

    Odd sides are divided by one less, as in Kovesi's code.
    """
    places = torch.arange(side, dtype=torch.float64, device=device) - side // 2
    return torch.fft.ifftshift(places / (side - side % 2))


def _low_pass(height: int, width: int, device: torch.device) -> Tensor:
    """Return the Butterworth filter that removes the corners of the spectrum, [H, W]; shifted by one for odd sides."""
    rows, columns = (
        (torch.arange(side, dtype=torch.float64, device=device) - side // 2) / side
        for side in (height, width)
    )
    radius = torch.hypot(rows[:, None], columns[None])
    return torch.fft.fftshift(1 / (1 + (radius / 0.45) ** 30))


def _fan(angle: Tensor, orientation: float) -> Tensor:
    """Return the angular response: a Gaussian of the angular distance, computed by sine and cosine to wrap around."""
    sine = angle.sin() * math.cos(orientation) - angle.cos() * math.sin(orientation)
    cosine = angle.cos() * math.cos(orientation) + angle.sin() * math.sin(orientation)
    return (-(torch.atan2(sine, cosine) ** 2) / (2 * SPREAD**2)).exp()


def phase_maps(image: Image) -> PhaseMaps:
    """Return the maps of a batch; each image is transformed on its own, so that batches change no digit."""
    per_image = [_maps_of_one(x) for x in image.of(values)]
    return PhaseMaps(*(torch.stack(maps) for maps in zip(*per_image, strict=True)))


def _maps_of_one(x: Tensor) -> PhaseMaps:
    """Return the maps of one image [H, W], summed over orientations; NaN for a constant image, whose amplitudes are 0."""
    energy_sum, amplitude_sum, squares_x, squares_y, mixed = (torch.zeros_like(x) for _ in range(5))
    for orientation, (energy, amplitude) in enumerate(_orientations(x)):
        angle = orientation * math.pi / ORIENTATIONS
        congruency = energy / amplitude
        east, north = congruency * math.cos(angle), congruency * math.sin(angle)
        squares_x, squares_y, mixed = squares_x + east**2, squares_y + north**2, mixed + east * north
        energy_sum, amplitude_sum = energy_sum + energy, amplitude_sum + amplitude
    squares_x, squares_y, mixed = (
        squares_x / (ORIENTATIONS / 2),
        squares_y / (ORIENTATIONS / 2),
        mixed / ORIENTATIONS,
    )
    root = torch.sqrt(mixed**2 + (squares_x - squares_y) ** 2) + EPSILON
    both = squares_x + squares_y
    return PhaseMaps(energy_sum / (amplitude_sum + EPSILON), (both + root) / 2, (both - root) / 2)


def _orientations(x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield, for each orientation, the weighted energy above the noise and the sum of the amplitudes, [H, W] each."""
    bank = filter_bank(*x.shape, x.device)
    spectrum = torch.fft.fft2(x)
    for fan in bank.angular:
        filters = bank.radial * fan
        responses = torch.stack([torch.fft.ifft2(spectrum * band) for band in filters])
        amplitudes = responses.abs()
        total = responses.sum(0)
        direction = total / (total.abs() + EPSILON)
        along = responses.real * direction.real + responses.imag * direction.imag
        aside = responses.real * direction.imag - responses.imag * direction.real
        energy = (along - aside.abs()).sum(0) - _noise(filters, amplitudes[0])
        amplitude, largest = amplitudes.sum(0), amplitudes.amax(0)
        width = amplitude / (largest + EPSILON) / SCALES
        weight = 1 / (1 + ((0.5 - width) * 10).exp())
        yield weight * energy.clamp_(min=0), amplitude


def _noise(filters: Tensor, finest: Tensor) -> Tensor:
    """Return the energy up to which noise is assumed: its mean plus two standard deviations, after Kovesi.

    The power of the noise is estimated from the median response at the finest scale, assuming Rayleigh amplitudes.
    """
    height, width = finest.shape
    mean = _median(finest.square()) / -math.log(0.5)
    power = mean / filters[0].square().sum()
    kernels = torch.stack([torch.fft.ifft2(band).real for band in filters]) * math.sqrt(height * width)
    own = kernels.square().sum()
    crossed = sum((kernels[i] * kernels[j]).sum() for i in range(SCALES) for j in range(i + 1, SCALES))
    spread = torch.sqrt((2 * power * own + 4 * power * crossed) / 2)
    limit = spread * math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * torch.sqrt((2 - math.pi / 2) * spread**2)
    return limit / 1.7  # Kovesi's empirical factor


def _median(x: Tensor) -> Tensor:
    """Return the median; for an even number of values the mean of the middle two, where torch returns the lower one."""
    ordered = x.flatten().sort().values
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


class MaskedMoments(NamedTuple):
    """A masked map with mean and variance in the window around each pixel, zeros beyond the border."""

    pixels: Tensor
    mean: Tensor
    variance: Tensor


def _moments(x: Tensor) -> MaskedMoments:
    mean = _blurred(x)
    return MaskedMoments(x, mean, _blurred(x.square()) - mean.square())


def _blurred(x: Tensor) -> Tensor:
    return smooth(pad(x, (len(WINDOW) // 2,) * 4), WINDOW)


def _correlation(x: MaskedMoments, y: MaskedMoments) -> Tensor:
    covariance = _blurred(x.pixels * y.pixels) - x.mean * y.mean
    # rounding can make the variance of a flat window negative
    return (covariance + STABLE) / ((x.variance * y.variance).abs().sqrt() + STABLE)


@metric(
    name="QP",
    title="Phase-congruency quality Q_P",
    better="higher",
    unit="1",
    range=(None, None),
    convention="product of three: local correlation (11x11 Gaussian of 1.5) of Kovesi's phase congruency, and of its "
    "largest and smallest moment, with source a's, source b's or the larger of both, whichever is highest, where a source's "
    "congruency is above 0.1",
    doi="10.1109/TPAMI.2011.109",
)
def phase_quality(triple: Triple) -> Outcome:
    """Return QP, the product over three maps of sum(max(r_A, r_B, r_max)) / n. Source: Zhao et al. 2007, Liu et al. 2012.

    The maps are phase congruency and its largest and smallest moment. r_A, r_B and r_max are local correlations of F
    with a, with b and with the source of larger congruency, where that exceeds 0.1; n is the number of pixels where the
    larger congruency does. Undefined where an image is constant, and where neither source has a visible feature.
    """
    a, b, fused = (image.of(phase_maps) for image in triple)
    seen_a, seen_b = a.congruency > VISIBLE, b.congruency > VISIBLE
    seen = torch.where(a.congruency > b.congruency, seen_a, seen_b)
    from_a = a.congruency > b.congruency
    count = sum_image(seen.double())
    correlations = []
    for map_a, map_b, map_fused in zip(a, b, fused, strict=True):
        target = _moments(map_fused)
        larger = torch.where(from_a, map_a, map_b)
        parts = [
            _correlation(_moments(source * mask), target).masked_fill_(~mask, 0.0)
            for source, mask in ((map_a, seen_a), (map_b, seen_b), (larger, seen))
        ]
        correlations.append(sum_image(torch.stack(parts).amax(0)) / count)
    names = ("source a is", "source b is", "the fused image is")
    flat = ((image.of(constant), f"{name} constant") for name, image in zip(names, triple, strict=True))
    return Outcome(reduce(mul, correlations), (*flat, (count == 0, "neither source has a visible feature")))
