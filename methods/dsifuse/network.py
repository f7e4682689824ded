"""DSIFuse's network: two calibrated encoders, coarse segmentation, three levels of interaction and a decoder.

Source: "Semantic-Guided Multi-Level Collaborative Fusion Network for Visible and Infrared Images", Sensors 2026,
26(9), 2577, doi 10.3390/s26092577. The paper states the kinds of modules and few of their sizes;
``card.yaml`` lists each choice made here and what it rests on. The blocks are in ``blocks.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from fusionbench.methods.dsifuse.blocks import (
    CFB,
    CFC,
    IMB,
    SCB,
    GlobalHead,
    Reduction,
    SegmentationHead,
    conv_block,
    resize,
)
from timm.models.resnet import BasicBlock
from torch import Tensor, nn


class Switches(NamedTuple):
    """Which modules the network has; each of the paper's ablations leaves one out.

    ``sg`` is the semantic guidance as a whole, ``global_map`` its part S_G. ``scb_at`` says what n counts in
    section 3.4, where SCB calibrates D^4 and D^5: "layers" of the decoder in the order of decoding, or "levels".
    """

    cfc: bool = True
    cfb: bool = True
    imb: bool = True
    scb: bool = True
    sg: bool = True
    global_map: bool = True
    scb_at: str = "layers"


# encoder level whose interaction SCB takes, by the encoder level at whose size it calibrates the decoder
SCB_PLACES = {"layers": {2: 3, 1: 4}, "levels": {4: 4, 3: 3}}


class Output(NamedTuple):
    """The fused image [B, 1, H, W] in [0, 1]; per modality class logits [B, K, H/32, W/32], None without sg."""

    fused: Tensor
    priors: tuple[Tensor, Tensor] | None


def stages(width: int) -> nn.ModuleList:
    """Return ResNet-18's five blocks on one channel at a base width; sides are halved in each."""
    stem = nn.Sequential(
        nn.Conv2d(1, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )
    first = nn.Sequential(nn.MaxPool2d(3, 2, 1), *residual(width, width, 1))
    return nn.ModuleList(
        [stem, first, *(nn.Sequential(*residual(width << n, width << n + 1, 2)) for n in range(3))]
    )


def residual(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    shortcut = None
    if stride > 1:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return [BasicBlock(inputs, outputs, stride, shortcut), BasicBlock(outputs, outputs)]


class Decoder(nn.Module):
    """Decode both modalities from the deepest level up; ``compensate`` holds SCB's blocks by level.

    The encoders begin at half size, so the last block, at full size, reads the sources beside the decoded map.
    """

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        above = [0, *reversed(widths[1:])]
        levels = zip(above, reversed(widths), strict=True)
        self.steps = nn.ModuleList(conv_block(up + 2 * width, width) for up, width in levels)
        self.reconstruct = nn.Sequential(
            conv_block(widths[0] + 2, widths[0]), nn.Conv2d(widths[0], 1, 3, padding=1), nn.Tanh()
        )

    def forward(
        self,
        sources: list[Tensor],
        features: list[list[Tensor]],
        compensate: nn.ModuleDict,
        parts: dict[str, list[Tensor]],
    ) -> Tensor:
        x: Tensor | None = None
        for step, level in zip(self.steps, range(len(features), 0, -1), strict=True):
            pair = features[level - 1]
            x = step(torch.cat([*([] if x is None else [resize(x, pair[0])]), *pair], dim=1))
            if str(level) in compensate:
                x = compensate[str(level)](x, parts[str(level)])
        assert x is not None  # there are levels
        return (self.reconstruct(torch.cat([resize(x, sources[0]), *sources], dim=1)) + 1) / 2


class DSIFuseNetwork(nn.Module):
    """Fuse a and b [B, 1, H, W] in [0, 1], H and W multiples of 32.

    ``width`` is the encoders' base width, ``classes`` the number of classes of the semantic priors. Without semantic
    guidance a 1x1 convolution of the deepest feature, which nothing supervises, takes the place of each prior with
    as many channels: the ablation then removes the guidance and nothing else.
    """

    def __init__(self, width: int, classes: int, reduction: int, hidden: int, switches: Switches) -> None:
        super().__init__()
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        self.switches = switches
        self.encoders = nn.ModuleList(stages(width) for _ in range(2))
        self.calibrate = nn.ModuleList(CFC(w, reduction) for w in widths) if switches.cfc else None
        heads = SegmentationHead if switches.sg else Reduction
        self.heads = (
            nn.ModuleList(heads(widths[-1], hidden, classes) for _ in range(2))
            if switches.sg or switches.cfb or switches.imb
            else None
        )
        self.interact = nn.ModuleDict()
        for level, module, switch in ((3, CFB, switches.cfb), (4, IMB, switches.imb), (5, IMB, switches.imb)):
            if switch:
                self.interact[str(level)] = module(widths[level - 1], classes)
        self.compensate = nn.ModuleDict(self.compensation(widths, classes) if switches.scb else {})
        guided = bool(self.compensate) and switches.sg and switches.global_map
        self.global_head = GlobalHead(widths, hidden, classes) if guided else None
        self.decoder = Decoder(widths)

    def compensation(self, widths: list[int], classes: int) -> dict[str, SCB]:
        """Return SCB's blocks by the level at whose size they calibrate the decoder."""
        blocks = {}
        for place, source in SCB_PLACES[self.switches.scb_at].items():
            inputs = [2 * widths[source - 1]] if str(source) in self.interact else []
            if self.switches.sg and self.switches.global_map:
                inputs.append(classes)
            if inputs:
                blocks[str(place)] = SCB(inputs, classes, widths[place - 1])
        return blocks

    def forward(self, a: Tensor, b: Tensor) -> Output:
        if not self.training:  # the same values for half the time on CPUs
            a, b = (x.to(memory_format=torch.channels_last) for x in (a, b))
        features = self.encode(a, b)
        priors = [head(f) for head, f in zip(self.heads or (), features[-1], strict=False)]
        shares = [prior.softmax(1) for prior in priors] if self.switches.sg else priors
        # the priors come from level 5, so levels 3 to 5 are changed for the decoder only, not inside the encoder
        joined, added = list(features), {}
        for level, module in self.interact.items():
            pair = features[int(level) - 1]
            added[int(level)] = module(pair, [resize(share, pair[0]) for share in shares])
            joined[int(level) - 1] = [m + f for m, f in zip(added[int(level)], pair, strict=True)]
        parts = self.compensating(features, added)
        return Output(
            self.decoder([a, b], joined, self.compensate, parts), tuple(priors) if self.switches.sg else None
        )

    def compensating(
        self, features: list[list[Tensor]], added: dict[int, list[Tensor]]
    ) -> dict[str, list[Tensor]]:
        """Return the inputs of each block of SCB: an interaction of both modalities, and the global map."""
        shared = []
        if self.global_head is not None:
            shared = [self.global_head([torch.cat(pair, dim=1) for pair in features]).softmax(1)]
        parts = {}
        for place in self.compensate:
            source = SCB_PLACES[self.switches.scb_at][int(place)]
            own = [torch.cat(added[source], dim=1)] if source in added else []
            parts[place] = [*own, *shared]
        return parts

    def encode(self, a: Tensor, b: Tensor) -> list[list[Tensor]]:
        """Return the features of both modalities at five levels; each stage reads calibrated features."""
        features = []
        for level, (stage_a, stage_b) in enumerate(zip(*self.encoders, strict=True)):
            a, b = stage_a(a), stage_b(b)
            if self.calibrate is not None:
                a, b = self.calibrate[level](a, b)
            features.append([a, b])
        return features
