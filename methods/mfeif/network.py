"""MFEIF's network: a shared extractor of three receptive fields, a shared attention to edges, a constructor."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad


class MFEIFNetwork(nn.Module):
    """Infrared a and visible luma b [B, 1, H, W] in [0, 1] to one image, never negative."""

    def __init__(self) -> None:
        super().__init__()
        self.extractor, self.attention, self.constructor = Extractor(), EdgeAttention(), Constructor()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        of_a, of_b = self.extractor(a), self.extractor(b)
        deep = of_a.deep * self.attention(a) + of_b.deep * self.attention(b)
        skips = (shared_mean(x, y) for x, y in ((of_a.middle, of_b.middle), (of_a.shallow, of_b.shallow)))
        return self.constructor(deep.softmax(dim=1), *skips)


def shared_mean(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean of x, y and their minimum."""
    return (x + y + torch.minimum(x, y)) / 3


class ConvBlock(nn.Module):
    """3x3 convolution that keeps the size, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.bn(self.conv(features)).relu()


class Features(NamedTuple):
    """Features of the extractor at three depths: 32, 48 and 64 channels."""

    shallow: Tensor
    middle: Tensor
    deep: Tensor


class Extractor(nn.Module):
    """Three branches that differ in the dilation of their first convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvBlock(1, 16)
        self.branches = nn.ModuleDict({name: _branch(n) for n, name in enumerate("abc", start=1)})

    def forward(self, image: Tensor) -> Features:
        first = self.first(image)
        branches = []
        for branch in self.branches.values():
            features, depths = first, []
            for conv in branch.children():
                features = conv(features)
                depths.append(features)
            branches.append(depths)
        (a1, a2, a3), (b1, b2, b3), (c1, c2, c3) = branches
        return Features(a1 + b1 + c1, a2 + b2 + c2, 0.1 * a3 + 0.1 * b3 + c3)


def _branch(dilation: int) -> nn.ModuleList:
    return nn.ModuleList([ConvBlock(16, 32, dilation), ConvBlock(32, 48), ConvBlock(48, 64)])


class EdgeAttention(nn.Module):
    """An unbounded weight a pixel from the image with its edges added."""

    def __init__(self) -> None:
        super().__init__()
        widths = ((1, 32, 32), (32, 64, 128), (128, 64, 32))
        self.pairs = nn.ModuleList(_pair(*pair) for pair in widths)
        self.last = nn.Conv2d(32, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        features = image + edges(image)
        for pair in self.pairs:
            features = pair(features)
        return self.last(features)


def _pair(inputs: int, middle: int, outputs: int) -> nn.Sequential:
    dilated = nn.Conv2d(middle, outputs, 3, padding=2, dilation=2)
    return nn.Sequential(nn.Conv2d(inputs, middle, 3, padding=1), nn.ReLU(), dilated)


def edges(image: Tensor) -> Tensor:
    """Return the largest strength of central differences in each 3x3 neighbourhood of an image [B, 1, H, W]."""
    padded = pad(image, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return max_pool2d((across**2 + down**2).sqrt(), 3, stride=1, padding=1)


class Constructor(nn.Module):
    """Fused features and two skips to an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1, self.conv_2 = ConvBlock(64, 16), ConvBlock(64, 32)
        self.conv_3, self.conv_4 = ConvBlock(64, 16), ConvBlock(16, 1)

    def forward(self, deep: Tensor, middle: Tensor, shallow: Tensor) -> Tensor:
        features = self.conv_2(torch.cat([self.conv_1(deep), middle], dim=1))
        return self.conv_4(self.conv_3(torch.cat([features, shallow], dim=1)))
