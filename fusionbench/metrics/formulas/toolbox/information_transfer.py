"""Metrics of information shared by the histograms of sources and fused image, from VIFB and Liu's toolbox."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fusionbench.metrics.formulas.correlation import pearson
from fusionbench.metrics.formulas.information import level_entropy, normalized_mutual_information
from fusionbench.metrics.formulas.toolbox.stretch import stretched, unstretchable
from fusionbench.metrics.image_cache import (
    LEVELS,
    Image,
    Outcome,
    Triple,
    constant,
    histogram,
    joint_histogram,
)
from fusionbench.metrics.registry import definition, metric

NAVA, CVEJIC = 0.43137, 1.85  # the order q of Tsallis' entropy in the papers of Nava et al. and Cvejic et al.


def divergence(source: Image, fused: Image) -> Tensor:
    """Return D(S, F) = sum p log2(p / q) over levels with p > 0 and q > 0, float64 [B], in bits.

    p and q are the shares of each level in the source and in the fused image.
    """
    p, q = (image.of(histogram) / image.count for image in (source, fused))
    both = (p > 0) & (q > 0)
    return torch.where(both, p * (p / q).log2(), 0.0).sum(-1)


@metric(
    name="Cross_entropy",
    title="Cross entropy",
    better="lower",
    unit="bit",
    range=(None, None),
    convention="mean over the sources of the sum of p log2(p / q), p the source's histogram and q the fused image's: "
    "a Kullback-Leibler divergence; levels that the fused image lacks are left out, so it can be negative",
    doi="10.1016/j.biosystemseng.2009.02.009",
    symmetric=True,
    xfail={
        "direction": "levels that the fused image lacks are left out, so an image with few levels scores well"
    },
)
def cross_entropy(triple: Triple) -> Outcome:
    """Return (D(A, F) + D(B, F)) / 2 with D as in `divergence`, in bits. Source: VIFB; Bulanon et al. 2009.

    Levels that the fused image lacks are left out, so it can be negative and an image with few levels scores well.
    """
    a, b, fused = triple
    return Outcome((divergence(a, fused) + divergence(b, fused)) / 2)


@definition(
    metric="Cross_entropy",
    name="sigmoid",
    text="binary cross entropy of the fused image against the mean of the sources, after a sigmoid of levels 0..255, "
    "of which all above 16 are 1: only nearly black pixels count; float32",
    source="IVIF_ZOO (CE)",
)
def cross_entropy_of_sigmoids(triple: Triple) -> Outcome:
    """Return mean(-(t log f + (1 - t) log(1 - f))), in nats, at least 0. Source: IVIF_ZOO (CE).

    f = sigmoid(F) and t = (sigmoid(A) + sigmoid(B)) / 2 of levels 0..255, so only nearly black pixels matter.
    """
    a, b, fused = (image.levels.float() for image in triple)
    # the reference's limits in float32; the sigmoid of most levels is cut at them
    a, b, guess = (x.sigmoid().clamp_(1e-7, 1 - 1e-7).double() for x in (a, b, fused))
    target = (a + b) / 2
    return Outcome(-(target * guess.log() + (1 - target) * (1 - guess).log()).mean((-2, -1)))


@metric(
    name="QMI",
    title="Normalized mutual information Q_MI",
    better="higher",
    unit="1",
    range=(0, 2),
    convention="NMI after each image is stretched to 0..255 by itself, which changes no value but leaves constant "
    "images undefined",
    doi="10.1049/el:20081754",
    symmetric=True,
)
def quality_by_information(triple: Triple) -> Outcome:
    """Return QMI = NMI, in [0, 2]. Source: Hossny et al. 2008, Zheng Liu's metricMI.m.

    Undefined for constant images other than black ones, and where the fused image and a source are black.
    """
    shared = normalized_mutual_information(triple)
    return Outcome(shared.values, (*unstretchable(triple), *shared.undefined))


def tsallis(image: Image, other: Image, order: float, transposed: bool) -> Tensor:
    """Return T(X, Y) = (1 - sum p_xy^q (p_x p_y)^(1 - q)) / (1 - q), float64 [B], with q = ``order``.

    ``transposed`` exchanges the two marginal histograms, as Liu's code does, and skips cells where their product is 0.
    """
    joint = image.of(joint_histogram, other).view(-1, LEVELS, LEVELS) / image.count  # rows: levels of other
    rows, columns = (each.of(histogram) / image.count for each in (other, image))
    if transposed:
        rows, columns = columns, rows
    independent = rows[:, :, None] * columns[:, None, :]
    weighed = joint**order * independent ** (1 - order)
    # for q > 1 the power of an empty cell is infinite, and its product with 0 is NaN
    weighed = torch.where((joint > 0) & (independent > 0), weighed, 0.0)
    weighed = (weighed + weighed.mT) / 2  # symmetric, so that swapping the images changes no digit of the sum
    return (1 - weighed.sum(-1).sum(-1)) / (1 - order)


def _quality_by_tsallis(triple: Triple, order: float, transposed: bool) -> Tensor:
    a, b, fused = triple
    shared = sum(fused.of(tsallis, source, order, transposed) for source in (a, b))
    present = a.of(level_entropy) ** order + b.of(level_entropy) ** order
    return shared / (present + a.of(tsallis, b, order, transposed))


@metric(
    name="QTE",
    title="Tsallis mutual information Q_TE",
    better="higher",
    unit="1",
    range=(0, None),
    convention="(T(a, fused) + T(b, fused)) / (H(a)^q + H(b)^q + T(a, b)), T the Tsallis divergence of order q = 0.43137 "
    "of the joint levels from independent ones, H Shannon's entropy in bits",
    doi="10.1049/el:20060693",
    symmetric=True,
)
def quality_by_tsallis(triple: Triple) -> Outcome:
    """Return QTE = (T(A, F) + T(B, F)) / (H(A)^q + H(B)^q + T(A, B)), q = 0.43137, at least 0. Source: Cvejic et al. 2006.

    T as in `tsallis`, H is Shannon's entropy in bits. Undefined where both sources are constant.
    """
    flat = triple.a.of(constant) & triple.b.of(constant)
    return Outcome(_quality_by_tsallis(triple, NAVA, False), ((flat, "both sources are constant"),))


@definition(
    metric="QTE",
    name="transposed-marginals",
    text="the two marginal histograms are exchanged and the images stretched to 0..255 first: about twice the canonical "
    "value on natural images, equal to it where all three images are equal",
    source="Zheng Liu's metricMI.m, case 3",
)
def quality_by_tsallis_transposed(triple: Triple) -> Outcome:
    """Return QTE of stretched images with exchanged marginal histograms, at least 0. Source: Zheng Liu's metricMI.m.

    Undefined for constant images other than black ones.
    """
    bright = Triple(*(image.of(stretched) for image in triple))
    return Outcome(_quality_by_tsallis(bright, NAVA, True), unstretchable(triple))


@definition(
    metric="QTE",
    name="cvejic",
    text="T(a, fused) + T(b, fused) of order 1.85 without a norm, the two marginal histograms exchanged: no bound, "
    "values from below 0 to some 100,000",
    source="Zheng Liu's metricMI.m, case 2",
)
def quality_by_tsallis_unbounded(triple: Triple) -> Outcome:
    """Return T(A, F) + T(B, F) with q = 1.85 and exchanged marginal histograms, unbounded. Source: Zheng Liu's metricMI.m.

    Undefined for constant images other than black ones.
    """
    a, b, fused = (image.of(stretched) for image in triple)
    total = fused.of(tsallis, a, CVEJIC, True) + fused.of(tsallis, b, CVEJIC, True)
    return Outcome(total, unstretchable(triple))


@definition(
    metric="QTE",
    name="shannon",
    text="H(a) + H(b) - H(fused) in bits: no mutual information, and it rewards a fused image of low entropy; float32",
    source="IVIF_ZOO (TE)",
    unit="bit",
)
def difference_of_entropies(triple: Triple) -> Outcome:
    """Return H(A) + H(B) - H(F), in bits, in [-8, 16]. Source: IVIF_ZOO (TE)."""
    a, b, fused = (image.of(level_entropy) for image in triple)
    return Outcome(a + b - fused)


def _agreement(ab: Tensor, af: Tensor, bf: Tensor) -> Tensor:
    """Return 1 + sum (r_i / 3) log_256(r_i / 3), float64 [B], in [0, 1].

    r_i are the eigenvalues of the symmetric 3x3 matrix with 1 on its diagonal and the three arguments beside it.
    """
    ones = torch.ones_like(ab)
    af, bf = (
        torch.minimum(af, bf),
        torch.maximum(af, bf),
    )  # same eigenvalues, to the last digit for swapped sources
    rows = torch.stack((ones, ab, af, ab, ones, bf, af, bf, ones), -1).view(-1, 3, 3)
    shares = (torch.linalg.eigvalsh(rows) / 3).clamp_(min=0)  # rounding can make an eigenvalue of 0 negative
    return 1 - torch.special.entr(shares).sum(-1) / math.log(LEVELS)


@metric(
    name="QNCIE",
    title="Nonlinear correlation information entropy Q_NCIE",
    better="higher",
    unit="1",
    range=(0, 1),
    convention="1 plus the sum of r/3 log256(r/3) over the eigenvalues r of the matrix with 1 on its diagonal and the "
    "mutual information of two images over 8 bits beside it; 0.802 where no image tells anything of another",
    doi="10.1016/j.physd.2004.11.001",
    symmetric=True,
)
def correlation_entropy(triple: Triple) -> Outcome:
    """Return QNCIE = 1 + sum (r_i / 3) log_256(r_i / 3), in [0, 1], mostly 0.80 to 0.83. Source: Wang et al. 2005.

    r_i are the eigenvalues of the 3x3 matrix with 1 on its diagonal and I / 8 bits of each pair of images beside it.
    Undefined for constant images other than black ones.
    """
    a, b, fused = triple
    pairs = ((a, b), (fused, a), (fused, b))
    shared = [image.of(unclipped_information, other) / 8 for image, other in pairs]
    return Outcome(_agreement(*shared), unstretchable(triple))


def unclipped_information(image: Image, other: Image) -> Tensor:
    """Return I(X, Y) in bits, float64 [B], not clipped at 0: the eigenvalues follow rounding errors below 0 too."""
    joint = image.of(joint_histogram, other).view(-1, LEVELS, LEVELS) / image.count
    terms = torch.special.entr(joint)
    # each term is added to its mirror image, so that swapping the images changes no digit of the sum
    together = (terms + terms.mT).flatten(1).sum(-1) / (2 * math.log(2))
    return image.of(level_entropy) + other.of(level_entropy) - together


@definition(
    metric="QNCIE",
    name="pearson",
    text="Pearson's correlation in the place of mutual information: values about 0.9 instead of 0.81; float32",
    source="IVIF_ZOO (QNCIE)",
)
def correlation_entropy_of_pearson(triple: Triple) -> Outcome:
    """Return QNCIE with Pearson's correlation for I / 8, in [0, 1], about 0.9. Source: IVIF_ZOO (QNCIE).

    Undefined where an image is constant. For a singular matrix rounding decides whether the reference has a value.
    """
    a, b, fused = triple
    flat = a.of(constant) | b.of(constant) | fused.of(constant)
    pairs = ((a, b), (fused, a), (fused, b))
    shared = (pearson(image, other).masked_fill(flat, 0.0) for image, other in pairs)
    return Outcome(_agreement(*shared), ((flat, "an image is constant"),))
