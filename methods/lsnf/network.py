"""LSNF's network: two half-width ResNet-50 branches, DenseASPP, fusion level by level and a strictly nested decoder.

Source: "Local Information-Driven Hierarchical Fusion of SAR and Visible Images via Refined Modal Salient Features",
Remote Sens. 2025, 17(14), 2466, doi 10.3390/rs17142466. Only the paper's outline and tables were at hand; they print
the sizes of the network and of six ablations, from which ``card.yaml`` derives what stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (32, 128, 256, 512, 1024)  # of levels 1 to 5; level n is at a 2^(n-1)th of the size
BLOCKS = (3, 4, 6, 3)  # of levels 2 to 5
EXPANSION = 4  # of a bottleneck
REDUCTION = 16  # of the channel gate
RATES = (3, 6, 12, 18)  # dilations of DenseASPP
ASPP_LEVEL = 2
ASPP_HIDDEN, ASPP_GROWTH = 64, 16
HEAD = 16
SLOPE = 0.2  # of Leaky ReLU

Activation = Callable[[], nn.Module]


class Switches(NamedTuple):
    """What the paper's ablations change; the defaults are its final network.

    ``pseudo``: a branch reads its modality and a pseudo image of it (otherwise one channel). ``signed``: images in
    [-1, 1], Leaky ReLU and Tanh, without it [0, 1], ReLU and Sigmoid. ``spatial``: attention over pixels as well as
    channels. ``cbam``: on how many levels, from the first, attention fuses. ``aspp``: with DenseASPP. ``strict``: the
    strictly nested decoder instead of the full nest.
    """

    pseudo: bool = True
    signed: bool = True
    spatial: bool = False
    cbam: int = 3
    aspp: bool = True
    strict: bool = True

    @property
    def activation(self) -> Activation:
        # in place: at full size these maps are what takes the memory
        return partial(nn.LeakyReLU, SLOPE, inplace=True) if self.signed else partial(nn.ReLU, inplace=True)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution without bias, for a normalisation to follow."""
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1, each with batch normalisation, and the input added (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int, activation: Activation) -> None:
        super().__init__()
        middle = outputs // EXPANSION
        self.body = nn.Sequential(
            conv(inputs, middle, 1),
            nn.BatchNorm2d(middle),
            activation(),
            conv(middle, middle, 3, stride),
            nn.BatchNorm2d(middle),
            activation(),
            conv(middle, outputs, 1),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.body(x) + self.shortcut(x))


def stage(level: int, activation: Activation) -> nn.Sequential:
    """Return the bottlenecks of level 2 to 5, of which the first halves the size."""
    inputs, outputs = WIDTHS[level - 2], WIDTHS[level - 1]
    first = Bottleneck(inputs, outputs, 2, activation)
    return nn.Sequential(
        first, *(Bottleneck(outputs, outputs, 1, activation) for _ in range(BLOCKS[level - 2] - 1))
    )


class DenseASPP(nn.Module):
    """Dilated convolutions, each of which sees the input and all before it (Yang et al. 2018)."""

    def __init__(self, width: int, activation: Activation) -> None:
        super().__init__()
        inputs = [width + ASPP_GROWTH * n for n in range(len(RATES) + 1)]
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, ASPP_HIDDEN, 1),
                activation(),
                nn.Conv2d(ASPP_HIDDEN, ASPP_GROWTH, 3, padding=rate, dilation=rate),
                activation(),
            )
            for channels, rate in zip(inputs[:-1], RATES, strict=True)
        )
        self.project = nn.Conv2d(inputs[-1], width, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return self.project(x)


class Branch(nn.Module):
    """Give a modality's features F_1 to F_5 from [B, channels, H, W]; DenseASPP refines what level 2 gives."""

    def __init__(self, switches: Switches) -> None:
        super().__init__()
        activation = switches.activation
        channels = 2 if switches.pseudo else 1
        self.stem = nn.Sequential(conv(channels, WIDTHS[0], 3), nn.BatchNorm2d(WIDTHS[0]), activation())
        self.stages = nn.ModuleList(stage(level, activation) for level in range(2, len(WIDTHS) + 1))
        self.aspp = DenseASPP(WIDTHS[ASPP_LEVEL - 1], activation) if switches.aspp else None

    def forward(self, x: Tensor) -> list[Tensor]:
        features = [self.stem(x)]
        for deeper in self.stages:
            features.append(deeper(features[-1]))
        if self.aspp is not None:
            features[ASPP_LEVEL - 1] = self.aspp(features[ASPP_LEVEL - 1])
        return features


class AttentionFusion(nn.Module):
    """Join both modalities by a 1x1 convolution and gate what comes out as CBAM does (Woo et al. 2018).

    The channel gate's layers have no biases. ``spatial`` adds a gate per pixel, a 7x7 convolution of the mean and the
    maximum over the channels.
    """

    def __init__(self, width: int, spatial: bool) -> None:
        super().__init__()
        self.join = nn.Conv2d(2 * width, width, 1)
        hidden = width // REDUCTION
        self.gate = nn.Sequential(conv(width, hidden, 1), nn.ReLU(), conv(hidden, width, 1))
        self.spatial = conv(2, 1, 7) if spatial else None

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        x = self.join(torch.cat([a, b], 1))
        x = x * torch.sigmoid(
            self.gate(x.mean((2, 3), keepdim=True)) + self.gate(x.amax((2, 3), keepdim=True))
        )
        if self.spatial is None:
            return x
        return x * torch.sigmoid(
            self.spatial(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1))
        )


class Addition(nn.Module):
    """Join both modalities by their sum."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


class Node(nn.Sequential):
    """One block of a nest: 3x3 to half of the concatenated channels, 1x1 to the level's (Li et al. 2020)."""

    def __init__(self, level: int, inputs: int, activation: Activation) -> None:
        layers = (nn.Conv2d(inputs, inputs // 2, 3, padding=1), nn.Conv2d(inputs // 2, WIDTHS[level - 1], 1))
        super().__init__(layers[0], activation(), layers[1], activation())


def up(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class StrictNest(nn.Module):
    """LSNF: the five nodes through which high-level features reach the image one level at a time.

    X41 refines the high level, X31 hands it on to the middle one; X21 is the middle level's share of the low one, X22
    joins it with what came from above, and X11 brings that to full size.
    """

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        f1, f2, f3, f4, f5 = WIDTHS
        self.x41 = Node(4, f4 + f5, activation)
        self.x31 = Node(3, f3 + f4, activation)
        self.x21 = Node(2, f2 + f3, activation)
        self.x22 = Node(2, f2 + f2 + f3, activation)
        self.x11 = Node(1, f1 + f2, activation)

    def forward(self, features: list[Tensor]) -> Tensor:
        f1, f2, f3, f4, f5 = features
        high = self.x41(torch.cat([f4, up(f5)], 1))
        middle = self.x31(torch.cat([f3, up(high)], 1))
        low = self.x21(torch.cat([f2, up(f3)], 1))
        low = self.x22(torch.cat([f2, low, up(middle)], 1))
        return self.x11(torch.cat([f1, up(low)], 1))


class FullNest(nn.Module):
    """The nest connection of UNet++ and NestFuse on five levels: ten nodes, each sees all before it on its level."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.nodes = nn.ModuleDict()
        for column in range(1, len(WIDTHS)):
            for level in range(1, len(WIDTHS) - column + 1):
                inputs = column * WIDTHS[level - 1] + WIDTHS[level]
                self.nodes[f"x{level}{column}"] = Node(level, inputs, activation)

    def forward(self, features: list[Tensor]) -> Tensor:
        rows = [[feature] for feature in features]
        for column in range(1, len(rows)):
            for level in range(1, len(rows) - column + 1):
                above = up(rows[level][column - 1])
                found = self.nodes[f"x{level}{column}"](torch.cat([*rows[level - 1], above], 1))
                rows[level - 1].append(found)
        return rows[0][-1]


class LSNFNetwork(nn.Module):
    """Fuse a and b [B, 1 or 2, H, W], H and W multiples of 16, into [B, 1, H, W]; all in [-1, 1], or [0, 1] unsigned.

    A source's second channel is its pseudo image, made from the other source.
    """

    def __init__(self, switches: Switches) -> None:
        super().__init__()
        activation = switches.activation
        self.branch_a, self.branch_b = Branch(switches), Branch(switches)
        self.fusion = nn.ModuleList(
            AttentionFusion(width, switches.spatial) if level < switches.cbam else Addition()
            for level, width in enumerate(WIDTHS)
        )
        self.nest = (StrictNest if switches.strict else FullNest)(activation)
        last = nn.Tanh() if switches.signed else nn.Sigmoid()
        self.head = nn.Sequential(nn.Conv2d(WIDTHS[0], HEAD, 1), activation(), nn.Conv2d(HEAD, 1, 1), last)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        pairs = zip(self.fusion, self.branch_a(a), self.branch_b(b), strict=True)
        return self.head(self.nest([join(x, y) for join, x, y in pairs]))
