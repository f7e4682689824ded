"""Metrics of preserved detail: QM in wavelet bands, QSF by spatial frequency."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fusionbench.metrics.image_cache import Image, Outcome, Triple, values
from fusionbench.metrics.registry import definition, metric

EXPONENTS = (2 / 3, 1 / 3)  # of the two levels of the Haar transform, finer level first
DIAGONAL = 0.5**0.5  # weight of the squared differences of diagonal neighbours


class Bands(NamedTuple):
    """The horizontal, vertical and diagonal detail of one level, float64 [B, h, w] each."""

    horizontal: Tensor
    vertical: Tensor
    diagonal: Tensor


def haar_bands(image: Image) -> list[Bands]:
    """Return the detail of two levels of the orthonormal Haar transform; an odd last row or column is left out."""
    pixels, by_level = image.of(values), []
    for _ in EXPONENTS:
        height, width = (side // 2 * 2 for side in pixels.shape[-2:])
        upper, lower = pixels[:, 0:height:2, :width], pixels[:, 1:height:2, :width]
        plus, minus = (upper + lower) / 2, (upper - lower) / 2
        by_level.append(
            Bands(
                plus[..., 0::2] - plus[..., 1::2],
                minus[..., 0::2] + minus[..., 1::2],
                minus[..., 0::2] - minus[..., 1::2],
            )
        )
        pixels = plus[..., 0::2] + plus[..., 1::2]
    return by_level


def detail_weights(image: Image) -> list[Tensor]:
    """Return, for both levels, the sum of the squared detail of the three bands at each place, float64 [B, h, w]."""
    return [sum(band.square() for band in level) for level in image.of(haar_bands)]


def _kept(source: Image, fused: Image, level: int) -> Tensor:
    """Return sum(w_S E_S) of `multiscale_quality` at one level, float64 [B]."""
    pairs = zip(source.of(haar_bands)[level], fused.of(haar_bands)[level], strict=True)
    equality = sum((band - other).abs_().neg_().exp_() for band, other in pairs)
    return _sum(equality * source.of(detail_weights)[level])


def _sum(x: Tensor) -> Tensor:
    return x.sum(-1).sum(-1)


@metric(
    name="QM",
    title="Multiscale quality Q_M",
    better="higher",
    unit="1",
    range=(0, 3),
    convention="two levels of Haar's transform, on 0..255; exp(-|difference|) summed over three bands and weighted by "
    "the sources' squared detail, to the power of 2/3 and 1/3; identical images score 3",
    doi="10.1109/ICOSP.2008.4697288",
    smallest=4,
    symmetric=True,
)
def multiscale_quality(triple: Triple) -> Outcome:
    """Return QM = prod over two Haar levels of (sum(w_A E_A + w_B E_B) / sum(w_A + w_B))^(2/3, 1/3), in [0, 3].

    E_S is the sum over the three bands of exp(-|D_S - D_F|), w_S the sum of D_S^2 with details D. A difference of a few
    levels counts as lost. Undefined where neither source has detail at a level. Source: Wang and Liu 2008.
    """
    a, b, fused = triple
    shares, nothing = [], []
    for level, exponent in enumerate(EXPONENTS):
        weight = _sum(a.of(detail_weights)[level]) + _sum(b.of(detail_weights)[level])
        kept = _kept(a, fused, level) + _kept(b, fused, level)
        nothing.append(weight == 0)
        shares.append((kept / weight) ** exponent)
    return Outcome(shares[0] * shares[1], ((nothing[0] | nothing[1], "neither source has detail"),))


def step_squares(*images: Image) -> Tensor:
    """Return the sum over four directions of squared differences of neighbours, diagonals weighted sqrt(1/2), float64 [B].

    Of two images the larger difference is taken at each place.
    """
    rows, columns = (_largest(images, diff) for diff in (_across, _down))
    falling, rising = (_largest(images, diff) for diff in (_falling, _rising))
    return _sum(rows) + _sum(columns) + DIAGONAL * (_sum(falling) + _sum(rising))


def _largest(images: tuple[Image, ...], difference) -> Tensor:
    differences = [difference(image.of(values)).abs_() for image in images]
    return (torch.maximum(*differences) if len(differences) == 2 else differences[0]).square_()


def _across(x: Tensor) -> Tensor:
    return x.diff(dim=-1)


def _down(x: Tensor) -> Tensor:
    return x.diff(dim=-2)


def _falling(x: Tensor) -> Tensor:
    return x[:, 1:, 1:] - x[:, :-1, :-1]


def _rising(x: Tensor) -> Tensor:
    return x[:, 1:, :-1] - x[:, :-1, 1:]


@metric(
    name="QSF",
    title="Spatial-frequency quality Q_SF",
    better="lower",
    unit="1",
    range=(0, None),
    convention="|SF(fused) - SF(reference)| / SF(reference), four directions, the reference's differences being the "
    "larger ones of both sources at each place; 0 is best",
    doi="10.1016/j.inffus.2005.04.003",
    smallest=2,
    symmetric=True,
)
def frequency_error(triple: Triple) -> Outcome:
    """Return |QSF| of `frequency_change`, at least 0, 0 being best. Source: Zheng et al. 2007, without the sign.

    Undefined where both sources are constant.
    """
    signed = frequency_change(triple)
    return Outcome(signed.values.abs(), signed.undefined)


@definition(
    metric="QSF",
    name="signed",
    text="with its sign: below 0 detail is lost, above 0 detail or noise is added; 0 is best, so neither the highest "
    "nor the lowest value is",
    source="Zheng Liu's metricZheng.m",
    smallest=2,
)
def frequency_change(triple: Triple) -> Outcome:
    """Return QSF = (SF_F - SF_R) / SF_R, at least -1. Source: Zheng et al. 2007, Zheng Liu's metricZheng.m.

    SF is the root of `step_squares`; SF_R takes the larger difference of both sources at each place. Below 0 detail is
    lost, above 0 detail or noise is added. Undefined where both sources are constant.
    """
    a, b, fused = triple
    present = a.of(step_squares, b).sqrt()
    change = (fused.of(step_squares).sqrt() - present) / present
    return Outcome(change, ((present == 0, "both sources are constant"),))
