"""Metrics of information theory, from the histograms of 8-bit levels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fusionbench.metrics.registry import metric
from fusionbench.metrics.statistics import Image, Outcome, Triple, histogram, joint_histogram


def level_entropy(image: Image) -> Tensor:
    """Return the entropy of the levels in bits [B]."""
    return _bits(image.of(histogram))


def shared_information(image: Image, other: Image) -> Tensor:
    """Return the mutual information of the levels of two images in bits [B]."""
    joint = _bits(image.of(joint_histogram, other))
    # never negative but for rounding, where the images are independent
    return (image.of(level_entropy) + other.of(level_entropy) - joint).clamp_(min=0)


def _bits(counts: Tensor) -> Tensor:
    return torch.special.entr(counts / counts.sum(-1, keepdim=True)).sum(-1) / math.log(2)


@metric(
    name="EN",
    title="Entropy",
    better="higher",
    unit="bit",
    range=(0, 8),
    convention="entropy of the 256 levels of the fused image, log2",
    doi="10.1117/1.2945910",
)
def entropy(triple: Triple) -> Outcome:
    """Measure how evenly the fused image uses the 256 levels; noise raises it as detail does."""
    return Outcome(triple.fused.of(level_entropy))


@metric(
    name="MI",
    title="Mutual information",
    better="higher",
    unit="bit",
    range=(0, 16),
    convention="MI(a, fused) + MI(b, fused) from 256 x 256 joint histograms, log2, a sum over the sources",
    doi="10.1049/el:20020212",
)
def mutual_information(triple: Triple) -> Outcome:
    """Measure what the levels of the fused image tell of the levels of both sources."""
    a, b, fused = triple
    return Outcome(fused.of(shared_information, a) + fused.of(shared_information, b))
