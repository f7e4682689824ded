"""Multi-scale structural similarity as libraries compute it: they differ in how odd sides are halved and in what is
negative.

Each function is the sum over the sources. On sides that are multiples of 16, with no negative mean, all but the mirrored
border, the window clipping and sewar's halving give the canonical value.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from fusionbench.metrics.formulas.libraries.ssim import GAUSSIAN, similarity_parts
from fusionbench.metrics.formulas.multiscale import WEIGHTS, halved_zero_padded
from fusionbench.metrics.image_cache import Image, Outcome, Triple, sum_image, values
from fusionbench.metrics.registry import definition

Halve = Callable[[Tensor], Tensor]


def cut(x: Tensor) -> Tensor:
    """Return the means of 2x2 pixels of [B, H, W]; an odd last row or column is left out."""
    return avg_pool2d(x[:, None], 2)[:, 0]


def repeated_before(x: Tensor) -> Tensor:
    """Return the means of 2x2 pixels; where a side is odd, both get their first row or column twice."""
    odd = max(x.shape[-2] % 2, x.shape[-1] % 2)
    return avg_pool2d(pad(x[:, None], (odd, 0, odd, 0), mode="replicate"), 2)[:, 0]


def shifted(x: Tensor) -> Tensor:
    """Return every second of the means of a pixel and its left and upper neighbours, the border repeated."""
    before = pad(x[:, None], (1, 0, 1, 0), mode="replicate")
    return avg_pool2d(before, 2, stride=1)[:, 0, ::2, ::2]


def scales(image: Image, halve: Halve) -> list[Tensor]:
    """Return the five scales, float64 [B, h, w]."""
    pyramid = [image.of(values)]
    for _ in WEIGHTS[1:]:
        pyramid.append(halve(pyramid[-1]))
    return pyramid


def scale_images(image: Image, halve: Halve) -> list[Image]:
    """Return the scales as images that remember their moments; but for the first, their levels are no integers."""
    return [Image(scale) for scale in image.of(scales, halve)]


def _means(source: Image, fused: Image, halve: Halve, mirrored: int, clipped: bool) -> list[Tensor]:
    """Return contrast and structure of each scale, of the last the similarity [B]."""
    by_scale: list[Tensor] = []
    for x, y in zip(source.of(scale_images, halve), fused.of(scale_images, halve), strict=True):
        last = len(by_scale) == len(WEIGHTS) - 1
        means, structure = similarity_parts(x, y, GAUSSIAN, 255.0, 1.0, mirrored if last else 0)
        structure = structure.clamp(min=0) if clipped else structure
        part = means * structure if last else structure
        by_scale.append(sum_image(part) / (part.shape[-2] * part.shape[-1]))
    return by_scale


def _summed(triple: Triple, halve: Halve, mirrored: int = 0, clipped: bool = False) -> Tensor:
    """Return the sum over the sources of the product over the scales; a negative mean counts as 0."""
    products = []
    for source in (triple.a, triple.b):
        means = _means(source, triple.fused, halve, mirrored, clipped)
        powers = [mean.clamp(min=0) ** weight for mean, weight in zip(means, WEIGHTS, strict=True)]
        products.append(torch.stack(powers).prod(0))
    return products[0] + products[1]


@definition(
    metric="MS-SSIM",
    name="cut-mirrored",
    text="an odd last row or column is cut, and at the coarsest scale the mirrored border is averaged in",
    source="torchmetrics",
    smallest=161,
    combined="sum",
)
def multiscale_similarity_cut_mirrored(triple: Triple) -> Outcome:
    """Measure multi-scale similarity whose coarsest scale has windows beyond the border."""
    return Outcome(_summed(triple, cut, len(GAUSSIAN) // 2))


@definition(
    metric="MS-SSIM",
    name="cut",
    text="an odd last row or column is cut before halving, not repeated",
    source="monai",
    smallest=161,
    combined="sum",
)
def multiscale_similarity_cut(triple: Triple) -> Outcome:
    """Measure multi-scale similarity without the odd rows and columns."""
    return Outcome(_summed(triple, cut))


@definition(
    metric="MS-SSIM",
    name="zero-padded",
    text="odd sides get a black row or column on both ends before they are halved",
    source="pytorch-msssim",
    smallest=161,
    combined="sum",
)
def multiscale_similarity_zero_padded(triple: Triple) -> Outcome:
    """Measure multi-scale similarity with borders that darken at coarse scales."""
    return Outcome(_summed(triple, halved_zero_padded))


@definition(
    metric="MS-SSIM",
    name="repeated-before",
    text="where a side is odd the first row and the first column are repeated, whichever is odd",
    source="piq",
    smallest=161,
    combined="sum",
)
def multiscale_similarity_repeated_before(triple: Triple) -> Outcome:
    """Measure multi-scale similarity with the first rows and columns repeated."""
    return Outcome(_summed(triple, repeated_before))


@definition(
    metric="MS-SSIM",
    name="zero-padded-clipped",
    text="odd sides get black rows or columns on both ends, and structure below 0 counts as 0 in each window",
    source="pyiqa",
    smallest=161,
    combined="sum",
)
def multiscale_similarity_clipped(triple: Triple) -> Outcome:
    """Measure multi-scale similarity without the punishment of opposite structure."""
    return Outcome(_summed(triple, halved_zero_padded, clipped=True))


@definition(
    metric="MS-SSIM",
    name="real-part",
    text="scales are shifted by half a pixel, and negative means have a complex power whose product's real part counts: "
    "-0.771 for opposite images, where the others give 0",
    source="sewar",
    smallest=161,
    combined="sum",
)
def multiscale_similarity_real_part(triple: Triple) -> Outcome:
    """Measure multi-scale similarity that can be negative."""
    weights = torch.tensor(WEIGHTS, dtype=torch.complex128, device=triple.fused.levels.device)
    parts = []
    for source in (triple.a, triple.b):
        means = torch.stack(_means(source, triple.fused, shifted, 0, False), -1).to(torch.complex128)
        parts.append((means**weights).prod(-1).real)
    return Outcome(parts[0] + parts[1])
