"""DATFuse's network: convolutions with channel and spatial attention before and after two transformer blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

WIDTH = 16


class DATFuseNetwork(nn.Module):
    """Infrared a and visible luma b [B, 1, H, W] in [0, 1] to one image in [-1, 1]."""

    def __init__(self, tokens: str) -> None:
        super().__init__()
        self.tokens = tokens
        self.first = ConvNorm(2, 5)
        self.extract = ConvNorm(WIDTH, 3)
        self.channel = ChannelAttention()
        self.spatial = SpatialAttention()
        self.blocks = nn.Sequential(TransformerBlock(), TransformerBlock())
        self.last = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        shallow = self.first(torch.cat([a, b], dim=1)).relu()
        attended = (self.attend(self.features(shallow)) + shallow).relu()
        deep = self.features(as_tokens(attended, self.blocks, self.tokens))  # the same weights a second time
        return self.last(self.attend(deep) + deep).tanh()

    def features(self, image: Tensor) -> Tensor:
        """Pass twice through one convolution and its normalisation."""
        return self.extract(self.extract(image).relu())

    def attend(self, features: Tensor) -> Tensor:
        return features * self.channel(features) + features * self.spatial(features)


def as_tokens(features: Tensor, blocks: nn.Module, tokens: str) -> Tensor:
    """Let blocks work on rows of 16 values of features [B, 16, H, W], and return these in the same layout.

    Rows of "memory" are 16 neighbours in memory, which mostly are pixels of one channel; those of "pixel" its channels.
    """
    if tokens == "pixel":
        return blocks(features.movedim(1, -1)).movedim(-1, 1)
    batch, width, height, breadth = features.shape
    return blocks(features.reshape(batch, height, breadth, width)).reshape(features.shape)


class ConvNorm(nn.Module):
    """Convolution with repeated borders to 16 channels, batch normalisation."""

    def __init__(self, inputs: int, side: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, WIDTH, side, padding=side // 2, padding_mode="replicate")
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(self.conv(image))


class ChannelAttention(nn.Module):
    """A weight a channel from its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(WIDTH, WIDTH // 4, 1), nn.Conv2d(WIDTH // 4, WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        return self.up(self.down(features.mean(dim=(2, 3), keepdim=True)).relu()).sigmoid()


class SpatialAttention(nn.Module):
    """A weight a pixel from its neighbourhood."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH // 4, 3, padding=1),
            nn.BatchNorm2d(WIDTH // 4),
            nn.ReLU(),
            nn.Conv2d(WIDTH // 4, 1, 3, padding=1),
            nn.BatchNorm2d(1),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.body(features)


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
