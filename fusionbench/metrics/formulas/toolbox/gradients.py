"""Metrics of edges: their mean strength (Edge_intensity), and their preservation with equal pixels (QG)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from fusionbench.metrics.formulas.edges import edge_transfer_mean_of_ratios, sobel_differences
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition, metric


def mean_strength(image: Image, border: str) -> Tensor:
    """Return mean(sqrt(gx^2 + gy^2)) by unnormalised Sobel kernels, float64 [B]; ``border`` is a mode of torch's pad."""
    padded = pad(image.of(values)[:, None], (1, 1, 1, 1), mode=border)[:, 0]
    horizontal, vertical = sobel_differences(padded)
    return sum_image(torch.hypot(horizontal, vertical)) / image.count


@metric(
    name="Edge_intensity",
    title="Edge intensity",
    better="higher",
    unit="level",
    range=(
        0,
        1140.4,
    ),  # 255 times the root of 20, where one corner of the window is bright with its neighbours
    convention="mean magnitude of Sobel's differences of the fused image on 0..255, kernels not normalized, border "
    "repeated",
    doi="10.1109/CVPRW50498.2020.00060",
    symmetric=True,
)
def edge_intensity(triple: Triple) -> Outcome:
    """Return mean(sqrt(gx^2 + gy^2)) of F by unnormalised Sobel kernels, in levels, in [0, 1140.4]. Source: VIFB.

    Noise raises it as detail does.
    """
    return Outcome(mean_strength(triple.fused, "replicate"))


@definition(
    metric="Edge_intensity",
    name="zero-padded",
    text="black beyond the border, so that the frame of a bright image is an edge: 4 to 20 % higher on infrared-visible "
    "pairs; float32",
    source="IVIF_ZOO (EI)",
)
def edge_intensity_zero_padded(triple: Triple) -> Outcome:
    """Return Edge_intensity with black beyond the border, in levels, at least 0. Source: IVIF_ZOO."""
    return Outcome(mean_strength(triple.fused, "constant"))


@metric(
    name="QG",
    title="Gradient-based quality Q_G",
    better="higher",
    unit="1",
    range=(0, 1),
    convention="the mean over pixels of Xydeas' weighted ratio, gain 1, slopes 10 and 20, centers 0.5 and 0.75: as Qabf "
    "by Liu's metricXydeas; identical images score 0.987",
    doi="10.1109/TPAMI.2011.109",
    smallest=3,
)
def gradient_quality(triple: Triple) -> Outcome:
    """Return the value of `edge_transfer_mean_of_ratios`, in [0, 1]. Source: Liu et al. 2012 after Xydeas and Petrovic.

    Flat areas count as much as strong edges.
    """
    return edge_transfer_mean_of_ratios(triple)
