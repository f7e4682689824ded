"""VIF in the wavelet domain, as pyiqa computes it after the first code of Sheikh and Bovik (vifvec).

The bands are those of a steerable pyramid with four levels, of whose six orientations the horizontal and the vertical
one are used. In each band a 3x3 block of the source is modelled as a Gaussian vector with eigenvalues e_i of its
covariance, times a local strength s; the fused band is g times the source plus a rest of variance r. Then

    VIF(S, F) = sum log2(1 + g^2 s e_i / (r + n)) / sum log2(1 + s e_i / n),  n = 0.4
"""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from fusionbench.metrics.formulas.filters import smooth
from fusionbench.metrics.image_cache import Image, Outcome, Triple, constant, values
from fusionbench.metrics.registry import definition

NOISE = 0.4  # variance n of the noise of the visual system
SIDE = 3  # side of a block
LEVELS = 4
# keeps fractions and logarithms finite
TINY = 1e-12
# upper left quarters, middle row and column included, of Simoncelli's filters sp5; the other quarters mirror them
FIRST_LOW_PASS = (
    (0.00341614, -0.01551246, -0.03848215),
    (-0.01551246, 0.05586982, 0.15925570),
    (-0.03848215, 0.15925570, 0.40304148),
)
LOW_PASS = (
    (0.00170808, -0.00489834, -0.00775624, -0.01888864, -0.01924108),
    (-0.00489834, -0.01046562, -0.01322234, 0.00821200, 0.02005976),
    (-0.00775624, -0.01322234, 0.02793492, 0.06554076, 0.07962786),
    (-0.01888864, 0.00821200, 0.06554076, 0.12852666, 0.16339236),
    (-0.01924108, 0.02005976, 0.07962786, 0.16339236, 0.20193080),
)
BAND = (  # odd: the lower half has the opposite sign
    (0.00277643, 0.00496194, 0.01026699, 0.01455399),
    (-0.00986904, -0.00893064, 0.01189859, 0.02755155),
    (-0.01021852, -0.03075356, -0.08226445, -0.11732297),
    (0.0, 0.0, 0.0, 0.0),
)


def _filter(quarter: tuple[tuple[float, ...], ...], sign: int, device: torch.device) -> Tensor:
    """Return a whole filter, float64 [n, n], from its quarter; ``sign`` is that of the lower half."""
    upper_left = torch.tensor(quarter, dtype=torch.float64, device=device)
    upper = torch.cat((upper_left, upper_left[:, :-1].flip(-1)), -1)
    return torch.cat((upper, sign * upper[:-1].flip(0)))


def _correlated(x: Tensor, weights: Tensor, step: int = 1) -> Tensor:
    """Return [B, H, W] correlated with a filter at every ``step``-th place, the border mirrored."""
    reach = len(weights) // 2
    mirrored = pad(x[:, None], (reach,) * 4, mode="reflect")
    return conv2d(mirrored, weights[None, None], stride=step)[:, 0]


def pyramid(image: Image) -> list[Tensor]:
    """Return the vertical and horizontal band of each level, finest first, float64 [B, h, w], sides multiples of 3."""
    device = image.levels.device
    band = _filter(BAND, -1, device)
    low = _correlated(image.of(values), _filter(FIRST_LOW_PASS, 1, device))
    bands = []
    for _ in range(LEVELS):
        for orientation in (band, band.T):
            whole = _correlated(low, orientation)
            height, width = (side // SIDE * SIDE for side in whole.shape[-2:])
            bands.append(whole[:, :height, :width])
        low = _correlated(low, _filter(LOW_PASS, 1, device), 2)
    return bands


def _window_sums(x: Tensor, side: int) -> Tensor:
    """Return the sum in the window around the centre of each block, the border mirrored."""
    mirrored = pad(x[:, None], (side // 2,) * 4, mode="reflect")[:, 0]
    # the centre of the first block is at 1, 1
    return smooth(mirrored[:, 1:, 1:], (1.0,) * side, SIDE)


def _channel(source: Tensor, fused: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return g and r of the module's equation for each block."""
    count = side * side
    sum_x, sum_y = _window_sums(source, side), _window_sums(fused, side)
    cross = _window_sums(source * fused, side) - sum_x * sum_y / count
    # negative only by rounding
    spread_x = (_window_sums(source.square(), side) - sum_x.square() / count).clamp_(min=0)
    spread_y = (_window_sums(fused.square(), side) - sum_y.square() / count).clamp_(min=0)
    gain = cross / (spread_x + TINY)
    # where the model fails, the reference code takes the sum and not the mean of squares as the rest
    fails = (spread_x < TINY) | (gain < 0)
    rest = torch.where(fails, spread_y, (spread_y - gain * cross) / count)
    nothing = spread_y < TINY
    return gain.masked_fill(fails | nothing, 0.0), rest.masked_fill(nothing, 0.0).clamp_(min=TINY)


def vectors(band: Tensor, step: int) -> Tensor:
    """Return the 3x3 blocks at every ``step``-th place as vectors, [B, 9, places]."""
    blocks = band.unfold(-2, SIDE, step).unfold(-2, SIDE, step)
    return blocks.flatten(-2).flatten(1, 2).transpose(1, 2)


def _model(band: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues of the covariance of all blocks, [B, 9], and the local strength of each block, [B, h, w]."""
    everywhere = vectors(band, 1)
    centered = everywhere - everywhere.mean(-1, keepdim=True)
    covariance = centered @ centered.transpose(1, 2) / centered.shape[-1]
    blocks = vectors(band, SIDE)
    # a pseudo-inverse, because the covariance of a smooth band can be singular
    strength = (torch.linalg.pinv(covariance, hermitian=True) @ blocks * blocks).sum(1) / SIDE**2
    height, width = (side // SIDE for side in band.shape[-2:])
    return torch.linalg.eigvalsh(covariance), strength.view(-1, height, width)


def wavelet_fidelity(fused: Image, source: Image) -> Tensor:
    """Return VIF(S, F) of the module's equation, float64 [B], at least 0."""
    kept, present = [], []
    for index, (x, y) in enumerate(zip(source.of(pyramid), fused.of(pyramid), strict=True)):
        side = 2 ** (LEVELS - index // 2) + 1
        inner = slice(skip := math.ceil(side // 2 / SIDE), -skip)
        gain, rest = (channel[:, inner, inner] for channel in _channel(x, y, side))
        spectrum, strength = _model(x)
        signal = strength[:, None, inner, inner] * spectrum[:, :, None, None]
        kept.append((gain.square() / (rest + NOISE))[:, None].mul(signal).add(1).log2().flatten(1).sum(-1))
        present.append(signal.div(NOISE).add(1).log2().flatten(1).sum(-1))
    return reduce(add, kept) / (reduce(add, present) + TINY)


@definition(
    metric="VIF",
    name="wavelet",
    text="in the wavelet domain (two orientations of a steerable pyramid, noise variance 0.4): another measure, whose "
    "values are half or twice those of VIFp; no number for smooth sources in the float32 of pyiqa",
    source="pyiqa; Sheikh's vifvec",
    smallest=65,
    version=2,
    combined="sum",
)
def visual_information_fidelity_of_wavelets(triple: Triple) -> Outcome:
    """Return VIF(A, F) + VIF(B, F) in the wavelet domain, at least 0. Source: pyiqa; Sheikh and Bovik 2006.

    Undefined where a source is constant.
    """
    a, b, fused = triple
    undefined = ((a.of(constant), "source a is constant"), (b.of(constant), "source b is constant"))
    return Outcome(fused.of(wavelet_fidelity, a) + fused.of(wavelet_fidelity, b), undefined)
