"""MS-SSIM as libraries compute it: they differ in how they halve odd sides and treat negative values.

Each metric is the sum over the sources S of prod over scales of mean(cs)^w, at the coarsest scale mean(l cs)^w, with
luminance l, contrast and structure cs as in `fusionbench.metrics.formulas.structure`; it is in [0, 2]. For sides that
are multiples of 16 and no negative mean, all definitions equal the canonical one except those with a mirrored border,
clipped windows or sewar's halving.
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
    """Return the means of 2x2 pixels, [B, H/2, W/2]; an odd last row or column is left out."""
    return avg_pool2d(x[:, None], 2)[:, 0]


def repeated_before(x: Tensor) -> Tensor:
    """Return the means of 2x2 pixels; if any side is odd, both the first row and the first column are repeated."""
    odd = max(x.shape[-2] % 2, x.shape[-1] % 2)
    return avg_pool2d(pad(x[:, None], (odd, 0, odd, 0), mode="replicate"), 2)[:, 0]


def shifted(x: Tensor) -> Tensor:
    """Return every second mean of a pixel with its left, upper and upper left neighbours, the border repeated."""
    before = pad(x[:, None], (1, 0, 1, 0), mode="replicate")
    return avg_pool2d(before, 2, stride=1)[:, 0, ::2, ::2]


def scales(image: Image, halve: Halve) -> list[Tensor]:
    """Return the five scales, float64 [B, h, w]."""
    pyramid = [image.of(values)]
    for _ in WEIGHTS[1:]:
        pyramid.append(halve(pyramid[-1]))
    return pyramid


def scale_images(image: Image, halve: Halve) -> list[Image]:
    """Return the scales as images, which cache their moments; only the first has integer levels."""
    return [Image(scale) for scale in image.of(scales, halve)]


def _means(source: Image, fused: Image, halve: Halve, mirrored: int, clipped: bool) -> list[Tensor]:
    """Return mean(cs) of each scale, at the last mean(l cs), float64 [B] each."""
    by_scale: list[Tensor] = []
    for x, y in zip(source.of(scale_images, halve), fused.of(scale_images, halve), strict=True):
        # luminance counts at the coarsest scale only
        last = len(by_scale) == len(WEIGHTS) - 1
        means, structure = similarity_parts(x, y, GAUSSIAN, 255.0, 1.0, mirrored if last else 0)
        structure = structure.clamp(min=0) if clipped else structure
        part = means * structure if last else structure
        by_scale.append(sum_image(part) / (part.shape[-2] * part.shape[-1]))
    return by_scale


def _summed(triple: Triple, halve: Halve, mirrored: int = 0, clipped: bool = False) -> Tensor:
    """Return the sum over the sources of the product over the scales, float64 [B]; a negative mean counts as 0."""
    products = []
    for source in (triple.a, triple.b):
        means = _means(source, triple.fused, halve, mirrored, clipped)
        # a negative number to such a power is complex, NaN in real arithmetic
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
    """Return MS-SSIM, in [0, 2], with odd ends cut and a mirrored border at the coarsest scale. Source: torchmetrics."""
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
    """Return MS-SSIM, in [0, 2], with odd last rows and columns cut before halving. Source: monai."""
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
    """Return MS-SSIM, in [0, 2], with odd sides padded by black on both ends before halving. Source: pytorch-msssim."""
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
    """Return MS-SSIM, in [0, 2], with the first row and column repeated before halving odd sides. Source: piq."""
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
    """Return MS-SSIM, in [0, 2], with odd sides padded by black and negative cs set to 0 in each window. Source: pyiqa."""
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
    """Return the real part of MS-SSIM with complex powers of negative means, in [-2, 2]. Source: sewar."""
    weights = torch.tensor(WEIGHTS, dtype=torch.complex128, device=triple.fused.levels.device)
    parts = []
    for source in (triple.a, triple.b):
        means = torch.stack(_means(source, triple.fused, shifted, 0, False), -1).to(torch.complex128)
        parts.append((means**weights).prod(-1).real)
    return Outcome(parts[0] + parts[1])
