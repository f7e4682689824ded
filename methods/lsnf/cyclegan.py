"""CycleGAN's generator and critic for images of one channel in [-1, 1].

Zhu et al. 2017, doi 10.1109/ICCV.2017.244. Weights start from a normal distribution of deviation 0.02, biases from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

HALVINGS = 2
DEVIATION = 0.02
LONGEST = 8  # the critic widens up to this many times its first width
SLOPE = 0.2


def initialize(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, DEVIATION)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def normalized(layer: nn.Module, width: int) -> list[nn.Module]:
    """Follow a layer by instance normalisation, which keeps the images of a batch apart, and ReLU."""
    return [layer, nn.InstanceNorm2d(width), nn.ReLU(inplace=True)]


class Residual(nn.Module):
    """Two 3x3 convolutions with mirrored borders, and the input added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect") for _ in range(2))
        self.body = nn.Sequential(*normalized(first, width), second, nn.InstanceNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Generator(nn.Sequential):
    """Turn a modality's images [B, 1, H, W] into the other's, H and W multiples of 4 and at least 8.

    The defaults are the standard generator of nine residual blocks, 11.4 million parameters.
    """

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        widths = [width * 2**n for n in range(HALVINGS + 1)]
        layers = normalized(nn.Conv2d(1, width, 7, padding=3, padding_mode="reflect"), width)
        for narrow, wide in pairwise(widths):
            layers += normalized(nn.Conv2d(narrow, wide, 3, 2, padding=1), wide)
        layers += [Residual(widths[-1]) for _ in range(blocks)]
        for wide, narrow in pairwise(reversed(widths)):
            layers += normalized(nn.ConvTranspose2d(wide, narrow, 3, 2, padding=1, output_padding=1), narrow)
        super().__init__(*layers, nn.Conv2d(width, 1, 7, padding=3, padding_mode="reflect"), nn.Tanh())
        initialize(self)


def frozen_generators(width: int, blocks: int) -> nn.ModuleDict:
    """Return a generator a modality, named by what it makes; a stage that trains them unfreezes them."""
    return nn.ModuleDict({name: Generator(width, blocks) for name in "ab"}).requires_grad_(False)


def generator_size(state: Mapping[str, Any], prefix: str) -> tuple[int, int] | None:
    """Return width and number of residual blocks of the generator under ``prefix`` of a state dict, None without."""
    stem = state.get(f"{prefix}.0.weight")
    if not isinstance(stem, Tensor) or not stem.ndim:
        return None
    return len(stem), sum(key.startswith(f"{prefix}.") and key.endswith(".body.0.weight") for key in state)


class Critic(nn.Sequential):
    """PatchGAN: score overlapping patches of 70x70 pixels of [B, 1, H, W], towards 1 for real and 0 for made ones.

    H and W of at least 24 pixels. The defaults have 2.8 million parameters.
    """

    def __init__(self, width: int = 64, halvings: int = 3) -> None:
        widths = [width * min(2**n, LONGEST) for n in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(1, width, 4, 2, padding=1), nn.LeakyReLU(SLOPE, inplace=True)]
        for level, (narrow, wide) in enumerate(pairwise(widths), 1):
            stride = 2 if level < halvings else 1
            layers += [nn.Conv2d(narrow, wide, 4, stride, padding=1), nn.InstanceNorm2d(wide)]
            layers.append(nn.LeakyReLU(SLOPE, inplace=True))
        super().__init__(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1))
        initialize(self)


def seeded_critics(width: int, seed: int) -> nn.ModuleDict:
    """Return a critic a modality, the same ones for a seed whatever was drawn before, and leave the generator alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.ModuleDict({"a": Critic(width), "b": Critic(width)})
