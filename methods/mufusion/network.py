"""MUFusion's network: an encoder and a decoder with dense and skip connections at two sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class MUFusionNetwork(nn.Module):
    """a and b [B, 1, H, W] in [0, 1], H and W even, to one image in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(2, 32), _conv(32, 32)
        self.conv3, self.conv4 = _conv(64, 64, stride=2), _conv(64, 64)
        self.conv5, self.conv6 = _conv(128, 64), _conv(192, 64)
        self.conv66, self.conv55 = _conv(64, 64), _conv(128, 64)
        self.conv44, self.conv33 = _conv(128, 64), _conv(128, 64)
        self.conv22, self.conv11 = _conv(96, 32), _conv(64, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        g1 = self.conv1(_joined(a, b)).relu()
        g2 = self.conv2(g1).relu()
        g3 = self.conv3(_joined(g1, g2)).relu()
        g4 = self.conv4(g3).relu()
        g5 = self.conv5(_joined(g3, g4)).relu()
        g6 = self.conv6(_joined(g3, g4, g5)).relu()
        features = self.conv66(g6).relu()
        for conv, skip in ((self.conv55, g5), (self.conv44, g4), (self.conv33, g3)):
            features = conv(_joined(skip, features)).relu()
        larger = interpolate(features, scale_factor=2, mode="bicubic")
        return self.conv11(_joined(g1, self.conv22(_joined(g2, larger)).relu())).tanh()


def _joined(*features: Tensor) -> Tensor:
    return torch.cat(features, dim=1)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, padding_mode="reflect")
