"""MATR's network: convolutions whose kernels the image gates, and transformer blocks, at three depths."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, conv2d, gelu

WIDTH = 16
CONTEXT = 5  # values that a channel's 3x3 means are reduced to


class MATRNetwork(nn.Module):
    """MRI a and luma b of the functional image [B, 1, H, W] in [0, 1] to one image in [-1, 1]."""

    def __init__(self, tokens: str) -> None:
        super().__init__()
        self.tokens = tokens
        self.first, self.conv = GatedBlock(2), GatedBlock(WIDTH)
        self.blocks = nn.Sequential(*(TransformerBlock() for _ in range(3)))
        self.last = nn.Conv2d(WIDTH, 1, 1, bias=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        features = self.first(torch.cat([b, a], dim=1))
        depths = []
        for _ in range(3):  # one set of weights at all depths
            features = self.conv(features)
            depths.append(self.conv(as_tokens(features, self.blocks, self.tokens)))
        return self.last(depths[0] + depths[1] + depths[2]).tanh()


def as_tokens(features: Tensor, blocks: nn.Module, tokens: str) -> Tensor:
    """Let blocks work on rows of 16 values of features [B, 16, H, W], and return these in the same layout.

    Rows of "memory" are 16 neighbours in memory, which mostly are pixels of one channel; those of "pixel" its channels.
    """
    if tokens == "pixel":
        return blocks(features.movedim(1, -1)).movedim(-1, 1)
    batch, width, height, breadth = features.shape
    return blocks(features.reshape(batch, height, breadth, width)).reshape(features.shape)


class GatedBlock(nn.Module):
    """Gated convolution to 16 channels, batch normalisation, ReLU."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv = GatedConvolution(inputs)
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, features: Tensor) -> Tensor:
        return self.norm(self.conv(features)).relu()


class GatedConvolution(nn.Module):
    """3x3 convolution with a kernel for each image: one weight times a gate from the means of a 3x3 grid."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(WIDTH, inputs, 3, 3))
        nn.init.kaiming_normal_(self.weight)
        self.reduce = nn.Linear(9, CONTEXT, bias=False)
        self.input_norm = nn.BatchNorm1d(inputs)
        self.input_gate = nn.Linear(CONTEXT, 9, bias=False)
        self.context_norm = nn.BatchNorm1d(inputs)
        self.mix = nn.Linear(inputs, WIDTH, bias=False)
        self.output_norm = nn.BatchNorm1d(WIDTH)
        self.output_gate = nn.Linear(CONTEXT, 9, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        batch, inputs, height, width = features.shape
        kernels = (self.weight * self.gate(features)).flatten(0, 1)
        apart = features.reshape(1, batch * inputs, height, width)  # a group for each image
        return conv2d(apart, kernels, padding=1, groups=batch).view(batch, WIDTH, height, width)

    def gate(self, features: Tensor) -> Tensor:
        """Return [B, 16, C, 3, 3] in [0, 1]."""
        context = self.reduce(adaptive_avg_pool2d(features, 3).flatten(2))
        of_inputs = self.input_gate(self.input_norm(context).relu())
        mixed = self.mix(self.context_norm(context).relu().mT).mT
        of_outputs = self.output_gate(self.output_norm(mixed).relu())
        return (of_inputs[:, None] + of_outputs[:, :, None]).sigmoid().unflatten(-1, (3, 3))


class TransformerBlock(nn.Module):
    """A Swin block with windows of one token: attention over one key passes its value on, so only that is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        value = self.qkv(self.norm1(tokens))[..., 2 * WIDTH :]
        tokens = tokens + self.proj(value)
        return tokens + self.fc2(gelu(self.fc1(self.norm2(tokens))))
