"""SeAFusion's network: an encoder for each source, joined in a plain decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


class SeAFusionNetwork(nn.Module):
    """Infrared a and visible luma b [B, 1, H, W] in [0, 1] to one image in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.visible, self.infrared = Encoder(), Encoder()
        self.decoder = nn.ModuleDict(
            {
                "4": nn.Conv2d(96, 64, 3, padding=1),
                "3": nn.Conv2d(64, 32, 3, padding=1),
                "2": nn.Conv2d(32, 16, 3, padding=1),
                "1": nn.Conv2d(16, 1, 3, padding=1),
            }
        )

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        features = torch.cat([self.visible(b), self.infrared(a)], dim=1)
        for level in ("4", "3", "2"):
            features = leaky_relu(self.decoder[level](features), 0.2)
        return self.decoder["1"](features).tanh() / 2 + 0.5


class Encoder(nn.Module):
    """One channel to 48 features of the same size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1)
        self.rgbd1, self.rgbd2 = GradientResidualDenseBlock(16, 32), GradientResidualDenseBlock(32, 48)

    def forward(self, image: Tensor) -> Tensor:
        return self.rgbd2(self.rgbd1(leaky_relu(self.conv(image), 0.2)))


class GradientResidualDenseBlock(nn.Module):
    """Two dense convolutions beside the strength of a gradient, whose kernels began as Sobel's and were trained."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.conv2 = nn.Conv2d(2 * inputs, inputs, 3, padding=1)
        self.down = nn.Conv2d(3 * inputs, outputs, 1)
        self.sobel_x = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.sobel_y = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.up = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        dense = torch.cat([features, leaky_relu(self.conv1(features), 0.2)], dim=1)
        dense = torch.cat([dense, leaky_relu(self.conv2(dense), 0.2)], dim=1)
        gradient = self.sobel_x(features).abs() + self.sobel_y(features).abs()
        return leaky_relu(self.down(dense) + self.up(gradient), 0.1)
