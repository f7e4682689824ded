"""LRRNet's network: unrolled iterations that split each source into a low-rank and a sparse part."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FILTERS = 128  # of each part
BLOCKS = 4
TOGETHER = 32  # maps that are thresholded at once


class LRRNetNetwork(nn.Module):
    """Infrared a and visible luma b [B, 1, H, W], each stretched to [0, 1], to one image of any range."""

    def __init__(self) -> None:
        super().__init__()
        self.infrared, self.visible = Decomposition(), Decomposition()
        self.decoder = Decoder()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.decoder(self.infrared(a), self.visible(b))


class Decomposition(nn.Module):
    """One channel to the coefficients of its low-rank part, then of its sparse part."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.full((1, 2 * FILTERS), 0.01))  # both are shared by all blocks
        self.step = nn.Parameter(torch.ones(1, 1))
        self.begin = _conv(1, 2 * FILTERS)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))

    def forward(self, image: Tensor) -> Tensor:
        threshold = self.threshold[..., None, None]
        coefficients = soft_threshold(self.begin(image), threshold)
        for block in self.blocks:
            coefficients = soft_threshold(
                block(image, coefficients).addcmul_(self.step, coefficients), threshold
            )
        return coefficients


class Block(nn.Module):
    """The residual of the image after synthesis from the coefficients, analysed into coefficients."""

    def __init__(self) -> None:
        super().__init__()
        self.synthesis, self.analysis = _conv(2 * FILTERS, 1), _conv(1, 2 * FILTERS)

    def forward(self, image: Tensor, coefficients: Tensor) -> Tensor:
        return self.analysis(image - self.synthesis(coefficients))


def soft_threshold(values: Tensor, threshold: Tensor) -> Tensor:
    """Return sign(x) max(|x| - t, 0), computed in place; a learned t may be below 0."""
    # by parts, because memory is what limits this network: at 640x480 all maps together take 300 MB
    for part, limit in zip(values.split(TOGETHER, 1), threshold.split(TOGETHER, 1), strict=True):
        part.copy_(part.abs().sub_(limit).relu_().mul_(part.sign()))
    return values


class Decoder(nn.Module):
    """Each part of each source to an image, equal parts joined, their sum."""

    def __init__(self) -> None:
        super().__init__()
        self.low_infrared, self.high_infrared = _conv(FILTERS, 1), _conv(FILTERS, 1)
        self.low_visible, self.high_visible = _conv(FILTERS, 1), _conv(FILTERS, 1)
        self.low, self.high = _conv(2, 1), _conv(2, 1)

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        (low_a, high_a), (low_b, high_b) = infrared.split(FILTERS, dim=1), visible.split(FILTERS, dim=1)
        low = self.low(torch.cat([self.low_infrared(low_a), self.low_visible(low_b)], dim=1))
        return low + self.high(torch.cat([self.high_infrared(high_a), self.high_visible(high_b)], dim=1))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
