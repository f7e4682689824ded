"""RefineFuse's network: two convolutional encoders, three interaction modules and a decoder.

Source: "RefineFuse: a multi-scale interaction network for multi-modal image fusion", Visual Intelligence 2025,
doi 10.1007/s44267-025-00087-w. The paper states the kinds of layers and not their widths; ``card.yaml`` lists
each choice made here and what it rests on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (64, 64, 96, 128, 128)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups)


def resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class Encoder(nn.ModuleList):
    """Return one feature map per level: level 1 at full size, each further level at half the size of the last."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        inputs = (1, *widths[:-1])
        super().__init__(
            conv(i, o, stride=1 if level == 0 else 2)
            for level, (i, o) in enumerate(zip(inputs, widths, strict=True))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for layer in self:
            x = F.relu(layer(x), inplace=True)
            features.append(x)
        return features


class Concatenation(nn.Module):
    """Fuse two feature maps as the ablations do that leave out SFIM or PSIM: concatenate, then 3x3."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fuse = conv(2 * width, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.fuse(torch.cat([a, b], dim=1))


class SFIM(nn.Module):
    """Superficial feature interaction (Eqs. 1 and 2): dual spatial attention, then channel by channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = conv(2, 2)
        self.fuse = conv(2 * width, width, groups=width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        highest = torch.maximum(a.amax(1, keepdim=True), b.amax(1, keepdim=True))
        mean = (a.mean(1, keepdim=True) + b.mean(1, keepdim=True)) / 2
        gates = 1 + torch.sigmoid(self.attention(torch.cat([highest, mean], dim=1)))
        gate_a, gate_b = gates.split(1, dim=1)
        # group k of the convolution sees channel k of a and channel k of b: that is two depthwise ones, without a
        # map in which both are neighbours
        of_a, of_b = self.fuse.weight.split(1, dim=1)
        width, padding = len(of_a), self.fuse.padding
        fused = F.conv2d(a * gate_a, of_a, self.fuse.bias, padding=padding, groups=width)
        return fused.add_(F.conv2d(b * gate_b, of_b, padding=padding, groups=width))


class PSIM(nn.Module):
    """Profound semantic interaction (Eqs. 3 and 4): both modalities attend with one shared query.

    Attention runs on at most ``grid`` x ``grid`` tokens whatever the image's size; Table 11's cost grows less
    than linearly with the image, which only a grid of fixed size explains. With ``crosswise``, each modality's
    attended values are added to the other one, scaled by gains that start at zero and with weights normalised
    over the queries, as in the block of PSFusion that the paper names as its inspiration.
    """

    def __init__(self, width: int, grid: int, crosswise: bool) -> None:
        super().__init__()
        self.grid, self.crosswise = grid, crosswise
        self.query = conv(2 * width, width // 2)
        self.keys = nn.ModuleList(conv(width, width // 2) for _ in range(2))
        self.values = nn.ModuleList(conv(width, width) for _ in range(2))
        self.fuse = conv(2 * width, width)
        if crosswise:
            self.gains = nn.Parameter(torch.zeros(2))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        size = (min(self.grid, a.shape[-2]), min(self.grid, a.shape[-1]))
        small_a, small_b = F.adaptive_avg_pool2d(a, size), F.adaptive_avg_pool2d(b, size)
        query = self.query(torch.cat([small_a, small_b], dim=1))
        global_a = self.attend(query, small_a, 0)
        global_b = self.attend(query, small_b, 1)
        if self.crosswise:
            global_a, global_b = self.gains[0] * global_b, self.gains[1] * global_a
        return self.fuse(torch.cat([a + resize(global_a, a), b + resize(global_b, b)], dim=1))

    def attend(self, query: Tensor, x: Tensor, modality: int) -> Tensor:
        key, value = self.keys[modality](x), self.values[modality](x)
        q, k, v = (t.flatten(2).transpose(1, 2) for t in (query, key, value))
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        weights = scores.softmax(dim=-2 if self.crosswise else -1)
        return (weights @ v).transpose(1, 2).unflatten(2, x.shape[-2:])


class FIM(nn.Module):
    """Deep-superficial interaction (Eq. 5): gate the shallow map by both maps' channel means, add the deep one.

    ``spatial`` adds a gate per position, which the paper describes where it introduces the module and Eq. 5 lacks:
    a 3x3 convolution of the deep map's channel maximum and mean, applied as in SFIM (Eq. 1).
    """

    def __init__(self, spatial: bool) -> None:
        super().__init__()
        self.places = conv(2, 1) if spatial else None

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        gates = torch.sigmoid(deep.mean((2, 3), keepdim=True)) + torch.sigmoid(
            shallow.mean((2, 3), keepdim=True)
        )
        deep, enhanced = resize(deep, shallow), shallow * gates
        if self.places is not None:
            pooled = torch.cat([deep.amax(1, keepdim=True), deep.mean(1, keepdim=True)], dim=1)
            enhanced = enhanced + enhanced * torch.sigmoid(self.places(pooled))
        return enhanced + deep


class DecoderStep(nn.Sequential):
    """Decoders 2 and deeper: 1x1 at the input's width, 3x3 to the next width; the caller upsamples."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            conv(inputs, inputs, 1), nn.ReLU(inplace=True), conv(inputs, outputs), nn.ReLU(inplace=True)
        )


class Reconstruction(nn.Sequential):
    """Decoder 1: four 3x3 convolutions, ReLU three times and Tanh at the end; values in [-1, 1]."""

    def __init__(self, width: int) -> None:
        hidden = [layer for _ in range(3) for layer in (conv(width, width), nn.ReLU(inplace=True))]
        super().__init__(*hidden, conv(width, 1), nn.Tanh())


class RefineFuseNetwork(nn.Module):
    """Fuse a and b [B, 1, H, W] in [0, 1], H and W multiples of 2^(levels - 1), into [B, 1, H, W] in [0, 1].

    Levels 1 and 2 meet in SFIM, deeper ones in PSIM (in a network of two levels already the second, as in the
    paper's Table 9). Coming up, a level from 3 on is concatenated, level 2 goes through FIM, level 1 is added.
    """

    def __init__(
        self,
        levels: int,
        sfim: bool,
        psim: bool,
        fim: bool,
        grid: int,
        crosswise: bool,
        spatial_gate: bool = False,
    ) -> None:
        super().__init__()
        widths = WIDTHS[:levels]
        self.encode_a, self.encode_b = Encoder(widths), Encoder(widths)
        deepest_shallow = 1 if levels == 2 else 2
        self.fusions = nn.ModuleList()
        for level, width in enumerate(widths, start=1):
            if level <= deepest_shallow:
                self.fusions.append(SFIM(width) if sfim else Concatenation(width))
            else:
                self.fusions.append(PSIM(width, grid, crosswise) if psim else Concatenation(width))
        self.fim = FIM(spatial_gate) if fim and levels > 2 else None
        self.steps = nn.ModuleList(self.decoder_steps(widths))
        self.reconstruct = Reconstruction(widths[0])

    def decoder_steps(self, widths: tuple[int, ...]) -> list[DecoderStep]:
        """List the steps from the deepest level up to level 2."""
        steps, inputs = [], widths[-1]
        for level in range(len(widths), 1, -1):
            outputs = widths[level - 2]
            steps.append(DecoderStep(inputs, outputs))
            concatenated = level - 1 > 2 or (level - 1 == 2 and self.fim is None)
            inputs = 2 * outputs if concatenated else outputs
        return steps

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if not self.training:  # the same values, and faster convolutions on CPUs
            a, b = (x.to(memory_format=torch.channels_last) for x in (a, b))
        pairs = zip(self.fusions, self.encode_a(a), self.encode_b(b), strict=True)
        fused = [fusion(feature_a, feature_b) for fusion, feature_a, feature_b in pairs]
        deep = fused.pop()
        for step in self.steps:
            shallow = fused.pop()
            deep = self.join(step(deep), shallow, level=len(fused) + 1)
        return (self.reconstruct(deep) + 1) / 2

    def join(self, deep: Tensor, shallow: Tensor, level: int) -> Tensor:
        if level == 2 and self.fim is not None:
            return self.fim(deep, shallow)
        deep = resize(deep, shallow)
        return deep + shallow if level == 1 else torch.cat([deep, shallow], dim=1)
