"""Metrics of what the histograms of the sources and of the fused image share: VIFB's and Liu's toolbox's."""

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

NAVA, CVEJIC = 0.43137, 1.85  # orders of Tsallis' entropy in the two papers


def divergence(source: Image, fused: Image) -> Tensor:
    """Return the Kullback-Leibler divergence of the levels in bits [B], without levels that the fused image lacks."""
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
)
def cross_entropy(triple: Triple) -> Outcome:
    """Measure how far the fused image's histogram is from those of the sources, wherever the levels lie.

    A fused image with few levels scores well: all levels that it lacks are left out.
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
    """Measure what a sigmoid leaves of the difference between nearly black pixels."""
    a, b, fused = (image.levels.float() for image in triple)
    # cut at the float32 numbers next to 0 and 1, which is all that most pixels contribute
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
    """Measure mutual information relative to what the levels of both images hold, Liu's metricMI.

    Undefined for constant images other than black ones, and where the fused image and a source are black.
    """
    shared = normalized_mutual_information(triple)
    return Outcome(shared.values, (*unstretchable(triple), *shared.undefined))


def tsallis(image: Image, other: Image, order: float, transposed: bool) -> Tensor:
    """Return Tsallis' divergence of the joint levels from independent ones [B].

    ``transposed`` exchanges the two marginal histograms, as Liu's code does: it then compares the joint histogram
    with that of independent images whose roles are swapped, and skips cells that those leave empty.
    """
    joint = image.of(joint_histogram, other).view(-1, LEVELS, LEVELS) / image.count  # rows: levels of other
    rows, columns = (each.of(histogram) / image.count for each in (other, image))
    if transposed:
        rows, columns = columns, rows
    independent = rows[:, :, None] * columns[:, None, :]
    weighed = joint**order * independent ** (1 - order)
    weighed = torch.where((joint > 0) & (independent > 0), weighed, 0.0)
    weighed = (weighed + weighed.mT) / 2  # so that the order of the images does not change that of the sum
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
    """Measure the mutual information of Tsallis' entropy relative to what the sources hold.

    Undefined where both sources are constant.
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
    """Measure what exchanged marginals make of the mutual information of Tsallis' entropy."""
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
    """Measure the sum of two Tsallis divergences of a large order."""
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
    """Measure how much entropy the fused image lacks."""
    a, b, fused = (image.of(level_entropy) for image in triple)
    return Outcome(a + b - fused)


def _agreement(ab: Tensor, af: Tensor, bf: Tensor) -> Tensor:
    """Return 1 plus the normalized sum r log r of the eigenvalues r of the 3x3 matrix of correlations [B]."""
    ones = torch.ones_like(ab)
    af, bf = (
        torch.minimum(af, bf),
        torch.maximum(af, bf),
    )  # same eigenvalues, to the last digit for swapped sources
    rows = torch.stack((ones, ab, af, ab, ones, bf, af, bf, ones), -1).view(-1, 3, 3)
    shares = (torch.linalg.eigvalsh(rows) / 3).clamp_(min=0)  # an eigenvalue of 0 can come out below it
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
    """Measure how much the levels of all three images tell of each other; most values lie between 0.80 and 0.83.

    Undefined for constant images other than black ones.
    """
    a, b, fused = triple
    pairs = ((a, b), (fused, a), (fused, b))
    shared = [image.of(unclipped_information, other) / 8 for image, other in pairs]
    return Outcome(_agreement(*shared), unstretchable(triple))


def unclipped_information(image: Image, other: Image) -> Tensor:
    """Return the mutual information of the levels in bits [B], down to the last digit even where it is about 0."""
    joint = image.of(joint_histogram, other).view(-1, LEVELS, LEVELS) / image.count
    terms = torch.special.entr(joint)
    # each with its mirror image, so that the order of the images does not change that of the sum
    together = (terms + terms.mT).flatten(1).sum(-1) / (2 * math.log(2))
    return image.of(level_entropy) + other.of(level_entropy) - together


@definition(
    metric="QNCIE",
    name="pearson",
    text="Pearson's correlation in the place of mutual information: values about 0.9 instead of 0.81; float32",
    source="IVIF_ZOO (QNCIE)",
)
def correlation_entropy_of_pearson(triple: Triple) -> Outcome:
    """Measure how far all three images are straight lines of each other.

    Undefined where an image is constant. The reference has a value or none where the matrix is singular, as rounding
    decides.
    """
    a, b, fused = triple
    flat = a.of(constant) | b.of(constant) | fused.of(constant)
    pairs = ((a, b), (fused, a), (fused, b))
    shared = (pearson(image, other).masked_fill(flat, 0.0) for image, other in pairs)
    return Outcome(_agreement(*shared), ((flat, "an image is constant"),))
