"""Metrics of information theory (EN, MI, NMI), from histograms with one bin per level 0..255."""

from __future__ import annotations

import math

import torch
from torch import Tensor

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


def level_entropy(image: Image) -> Tensor:
    """Return H(X) = -sum p log2(p) over the 256 levels, float64 [B], in bits, in [0, 8]."""
    return _bits(image.of(histogram))


def shared_information(image: Image, other: Image) -> Tensor:
    """Return I(X, Y) = H(X) + H(Y) - H(X, Y) of the levels of two images, float64 [B], in bits, in [0, 8]."""
    joint = _bits(image.of(joint_histogram, other))
    # mutual information is never negative, but rounding can make it so for independent images
    return (image.of(level_entropy) + other.of(level_entropy) - joint).clamp_(min=0)


def _bits(counts: Tensor) -> Tensor:
    """Return the entropy of counts [B, bins] in bits [B]; entr is 0 for empty bins, so no epsilon biases it."""
    return torch.special.entr(counts / counts.sum(-1, keepdim=True)).sum(-1) / math.log(2)


@metric(
    name="EN",
    title="Entropy",
    better="higher",
    unit="bit",
    range=(0, 8),
    convention="entropy of the 256 levels of the fused image, log2",
    doi="10.1117/1.2945910",
    symmetric=True,
)
def entropy(triple: Triple) -> Outcome:
    """Return EN = -sum p log2(p) over the 256 levels of F, in bits, in [0, 8]. Source: Roberts et al. 2008.

    Noise raises it as detail does.
    """
    return Outcome(triple.fused.of(level_entropy))


@metric(
    name="MI",
    title="Mutual information",
    better="higher",
    unit="bit",
    range=(0, 16),
    convention="MI(a, fused) + MI(b, fused) from 256 x 256 joint histograms, log2, a sum over the sources",
    doi="10.1049/el:20020212",
    symmetric=True,
)
def mutual_information(triple: Triple) -> Outcome:
    """Return MI = I(A, F) + I(B, F), in bits, in [0, 16], I as in `shared_information`. Source: Qu et al. 2002."""
    a, b, fused = triple
    return Outcome(fused.of(shared_information, a) + fused.of(shared_information, b))


@definition(
    metric="MI",
    name="nats",
    text="natural logarithm: the canonical value times 0.6931",
    source="CDDFuse, VIFB",
    unit="nat",
)
def mutual_information_in_nats(triple: Triple) -> Outcome:
    """Return MI with the natural logarithm, in nats, in [0, 11.1]. Source: CDDFuse, VIFB."""
    return Outcome(mutual_information(triple).values * math.log(2))


@definition(
    metric="MI",
    name="merged-254-255",
    text="levels 254 and 255 share a bin of the joint histogram but not of the marginal ones, so it is too large "
    "wherever both occur",
    source="Tang 2022 and 2023, Hab.m",
    unit="bit",
)
def mutual_information_merged(triple: Triple) -> Outcome:
    """Return MI, in bits, with levels 254 and 255 merged in the joint histograms only. Source: Tang's Hab.m.

    There 1 is added to uint8 levels, which saturates.
    """
    a, b, fused = triple
    return Outcome(_merged_information(fused, a) + _merged_information(fused, b))


def _merged_information(image: Image, other: Image) -> Tensor:
    joint = image.of(joint_histogram, other).view(-1, LEVELS, LEVELS).clone()
    for merged in (joint, joint.transpose(-2, -1)):
        merged[:, -2] += merged[:, -1]
        merged[:, -1] = 0
    return image.of(level_entropy) + other.of(level_entropy) - _bits(joint.flatten(1))


@definition(
    metric="MI",
    name="mean",
    text="the mean over the sources instead of the sum: half the canonical value",
    unit="bit",
)
def mutual_information_mean(triple: Triple) -> Outcome:
    """Return MI / 2, the mean over the sources, in bits, in [0, 8]."""
    return Outcome(mutual_information(triple).values / 2)


@definition(
    metric="EN",
    name="merged-0-1",
    text="levels 0 and 1 share a bin, so it is too low on black backgrounds",
    source="Topanxal's PyTorch metrics",
    unit="bit",
)
def entropy_merged(triple: Triple) -> Outcome:
    """Return EN, in bits, in [0, 8), with levels 0 and 1 merged. Source: Topanxal's metrics, which clamp levels to 1."""
    counts = triple.fused.of(histogram).clone()
    counts[:, 1] += counts[:, 0]
    counts[:, 0] = 0
    return Outcome(_bits(counts))


@metric(
    name="NMI",
    title="Normalized mutual information",
    better="higher",
    unit="1",
    range=(0, 2),
    convention="2 MI(a, fused) / (H(a) + H(fused)) + 2 MI(b, fused) / (H(b) + H(fused)), a sum over the sources",
    doi="10.1049/el:20081754",
    symmetric=True,
)
def normalized_mutual_information(triple: Triple) -> Outcome:
    """Return NMI = 2 I(A, F) / (H(A) + H(F)) + 2 I(B, F) / (H(B) + H(F)), in [0, 2]. Source: Hossny et al. 2008.

    Undefined where the fused image and a source are constant, since both entropies are 0.
    """
    a, b, fused = triple
    flat = fused.of(constant)
    undefined = (
        (flat & a.of(constant), "the fused image and source a are constant"),
        (flat & b.of(constant), "the fused image and source b are constant"),
    )
    return Outcome(_normalized(fused, a) + _normalized(fused, b), undefined)


def _normalized(image: Image, other: Image) -> Tensor:
    return 2 * image.of(shared_information, other) / (image.of(level_entropy) + other.of(level_entropy))


@definition(
    metric="NMI",
    name="source-entropies",
    text="2 (MI(a, fused) + MI(b, fused)) / (H(a) + H(b)): the entropy of the fused image does not appear",
    source="IVIF_ZOO",
)
def mutual_information_over_sources(triple: Triple) -> Outcome:
    """Return 2 (I(A, F) + I(B, F)) / (H(A) + H(B)), at least 0. Source: IVIF_ZOO.

    Undefined where both sources are constant.
    """
    a, b, _ = triple
    entropies = a.of(level_entropy) + b.of(level_entropy)
    undefined = ((a.of(constant) & b.of(constant), "both sources are constant"),)
    return Outcome(2 * mutual_information(triple).values / entropies, undefined)
