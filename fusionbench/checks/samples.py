"""Generated images for the checks of metrics, uint8 [B, 1, H, W]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Levels(NamedTuple):
    """Sources and fused image, the arguments of ``compute``."""

    a: Tensor
    b: Tensor
    fused: Tensor

    def swapped(self) -> Levels:
        return Levels(self.b, self.a, self.fused)

    def image(self, index: int) -> Levels:
        return Levels(*(image[index : index + 1] for image in self))


def sample_scene(side: int, batch: int = 1) -> Levels:
    """Return sources that share half of their texture, with their mean as the fused image."""
    shared, a, b = (_texture(side, batch, seed) for seed in (1, 2, 3))
    a, b = (shared + a) / 2, (shared + b) / 2
    return Levels(_levels(a), _levels(b), _levels((a + b) / 2))


def dull(side: int) -> Levels:
    """Return the same sources with an unrelated fused image of two levels."""
    generator = torch.Generator().manual_seed(4)
    noise = torch.randint(127, 129, (1, 1, side, side), generator=generator)
    return sample_scene(side)._replace(fused=noise.to(torch.uint8))


def extremes(side: int) -> Iterator[tuple[str, Levels]]:
    """Yield triples on which divisions and logarithms can fail, each with its name."""
    textured = sample_scene(side)
    black, white = torch.zeros_like(textured.a), torch.full_like(textured.a, 255)
    chess = ((torch.arange(side)[:, None] + torch.arange(side)) % 2 * 255).to(torch.uint8).expand_as(black)
    yield "textured sources", textured
    yield "three equal images", Levels(textured.a, textured.a, textured.a)
    yield "a black fused image", textured._replace(fused=black)
    yield "a white fused image", textured._replace(fused=white)
    yield "black sources", Levels(black, black, textured.fused)
    yield "three black images", Levels(black, black, black)
    yield "a black and a white source", Levels(black, white, textured.fused)
    yield "a chessboard", textured._replace(fused=chess.contiguous())


def _texture(side: int, batch: int, seed: int) -> Tensor:
    """Return random structure at coarse and fine scales in [0, 1], float [B, 1, side, side]."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(batch, 1, side, side)
    for scale in (16, 4, 1):
        coarse = torch.rand(batch, 1, -(-side // scale) + 1, -(-side // scale) + 1, generator=generator)
        fine = F.interpolate(coarse, scale_factor=scale, mode="bilinear")[..., :side, :side]
        total += fine * scale**0.5
    low, high = total.amin((1, 2, 3), keepdim=True), total.amax((1, 2, 3), keepdim=True)
    return (total - low) / (high - low).clamp(min=1e-6)


def _levels(image: Tensor) -> Tensor:
    return (image * 255 + 0.5).floor().clamp(0, 255).to(torch.uint8)
