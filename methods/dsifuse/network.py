"""DSIFuse's network: two calibrated encoders, coarse segmentation, three levels of interaction and a decoder.

Source: "Semantic-Guided Multi-Level Collaborative Fusion Network for Visible and Infrared Images", Sensors 2026,
26(9), 2577, doi 10.3390/s26092577. The paper states the kinds of modules and few of their sizes;
``card.yaml`` lists each choice made here and what it rests on.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from timm.models.resnet import BasicBlock
from torch import Tensor, nn


class Switches(NamedTuple):
    """Which modules there are; the paper's ablations leave out one each.

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
    """The fused image [B, 1, H, W] in [0, 1] and class logits a modality [B, K, H/32, W/32], None without sg."""

    fused: Tensor
    priors: tuple[Tensor, Tensor] | None


def resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


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


class CFC(nn.Module):
    """Cross-modal feature calibration: each modality takes from the other by channel and by place (section 3.2)."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        hidden = max(1, width // reduction)
        self.channels = nn.Sequential(
            nn.Linear(4 * width, hidden * 4), nn.ReLU(), nn.Linear(hidden * 4, 2 * width)
        )
        self.places = nn.Sequential(
            nn.Conv2d(2 * width, 2 * hidden, 1), nn.ReLU(), nn.Conv2d(2 * hidden, 2, 1)
        )

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat([a, b], dim=1)
        pooled = torch.cat([both.mean((2, 3)), both.amax((2, 3))], dim=1)
        channel_a, channel_b = torch.sigmoid(self.channels(pooled))[..., None, None].chunk(2, dim=1)
        place_a, place_b = torch.sigmoid(self.places(both)).chunk(2, dim=1)
        return a + (channel_b + place_b) * b / 2, b + (channel_a + place_a) * a / 2


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Let every place of ``query`` look at all places of ``key``, one head; maps [B, C, H, W] of one size."""
    # [B, 1 head, places, channels]: torch then never holds all weights at once
    q, k, v = (x.flatten(2).transpose(1, 2)[:, None] for x in (query, key, value))
    mixed = F.scaled_dot_product_attention(q, k, v)
    return mixed[:, 0].transpose(1, 2).unflatten(2, query.shape[-2:])


def project(inputs: int, outputs: int) -> nn.Conv2d:
    """Return W of the attention's equations, without a bias: one of the keys would change no weight."""
    return nn.Conv2d(inputs, outputs, 1, bias=False)


class FMI(nn.Conv2d):
    """FiLM-based modality integration: scale and shift a map by what a 3x3 makes of the condition."""

    def __init__(self, condition: int, width: int) -> None:
        super().__init__(condition, 2 * width, 3, padding=1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]  # two maps, not one
        scale, shift = super().forward(condition).chunk(2, dim=1)
        return (scale + 1) * x + shift


class CAT(nn.Module):
    """Cross-attention with its projections (Eq. 7): one map asks, of ``asking`` channels, the other answers."""

    def __init__(self, width: int, asking: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            project(asking, width),
            project(width, width),
            project(width, width),
        )

    def forward(self, asking: Tensor, answering: Tensor) -> Tensor:
        return attention(self.query(asking), self.key(answering), self.value(answering))


class CFB(nn.Module):
    """Cross-modal fusion at level 3 (Eqs. 7 to 9): attention guided by the prior, modulated by the other modality."""

    def __init__(self, width: int, prior: int) -> None:
        super().__init__()
        self.attend = nn.ModuleList(CAT(width, prior) for _ in range(2))
        self.modulate = nn.ModuleList(FMI(width, width) for _ in range(2))

    def forward(self, features: list[Tensor], priors: list[Tensor]) -> list[Tensor]:
        maps = [attend(s, f) for attend, s, f in zip(self.attend, priors, features, strict=True)]
        return [self.modulate[0](maps[0], maps[1]), self.modulate[1](maps[1], maps[0])]


class Interaction(nn.Module):
    """One modality of IMB: a path guided by the prior, and one that recovers detail from what it gives."""

    def __init__(self, width: int, prior: int) -> None:
        super().__init__()
        self.guide, self.recover = CAT(width, prior), CAT(width, width)
        self.join = nn.Conv2d(2 * width, width, 1)
        self.modulate = FMI(prior, width)

    def forward(self, feature: Tensor, prior: Tensor) -> Tensor:
        guided = self.guide(prior, feature)
        recovered = self.recover(feature, guided)
        return self.modulate(self.join(torch.cat([guided, recovered], dim=1)), prior)


class IMB(nn.ModuleList):
    """Intra-modal interaction at levels 4 and 5 (Eqs. 10 and 11), each modality for itself."""

    def __init__(self, width: int, prior: int) -> None:
        super().__init__(Interaction(width, prior) for _ in range(2))

    def forward(self, features: list[Tensor], priors: list[Tensor]) -> list[Tensor]:
        return [one(feature, prior) for one, feature, prior in zip(self, features, priors, strict=True)]


class SegmentationHead(nn.Sequential):
    """Decode a modality's deepest feature into class logits."""

    def __init__(self, width: int, hidden: int, classes: int) -> None:
        super().__init__(conv_block(width, hidden), nn.Conv2d(hidden, classes, 1))


class Reduction(nn.Conv2d):
    """Stand in for a modality's prior where there is no semantic guidance: as many channels, without a meaning."""

    def __init__(self, width: int, hidden: int, classes: int) -> None:
        super().__init__(width, classes, 1)


class GlobalHead(nn.Module):
    """Decode the concatenated features of all levels into class logits at a quarter of the image's size."""

    def __init__(self, widths: list[int], hidden: int, classes: int) -> None:
        super().__init__()
        self.narrow = nn.ModuleList(nn.Conv2d(2 * width, hidden, 1) for width in widths)
        self.decode = nn.Sequential(conv_block(hidden, hidden), nn.Conv2d(hidden, classes, 1))

    def forward(self, pairs: list[Tensor]) -> Tensor:
        maps = [narrow(pair) for narrow, pair in zip(self.narrow, pairs, strict=True)]
        return self.decode(sum(resize(x, maps[1]) for x in maps))


class SCB(nn.Module):
    """Semantic compensation: what interaction and global prior add to a level of the decoder (section 3.4)."""

    def __init__(self, inputs: list[int], hidden: int, width: int) -> None:
        super().__init__()
        self.narrow = nn.ModuleList(nn.Conv2d(channels, hidden, 3, padding=1) for channels in inputs)
        total = hidden * len(inputs)
        self.attention = nn.Sequential(
            nn.Linear(total, total), nn.ReLU(), nn.Linear(total, total), nn.Sigmoid()
        )
        self.widen = nn.Conv2d(total, width, 1)

    def forward(self, decoded: Tensor, parts: list[Tensor]) -> Tensor:
        maps = [narrow(resize(part, decoded)) for narrow, part in zip(self.narrow, parts, strict=True)]
        x = torch.cat(maps, dim=1)
        return decoded + self.widen(x * self.attention(x.mean((2, 3)))[..., None, None])


class Decoder(nn.Module):
    """Join both modalities from the deepest level up; ``compensate`` adds to what is decoded at the size of a level.

    The encoders begin at half size, so the last block, at full size, takes the sources themselves beside what is decoded.
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
        for level, module, wanted in ((3, CFB, switches.cfb), (4, IMB, switches.imb), (5, IMB, switches.imb)):
            if wanted:
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
        features = self.encode(a, b)
        priors = [head(f) for head, f in zip(self.heads or (), features[-1], strict=False)]
        shares = [prior.softmax(1) for prior in priors] if self.switches.sg else priors
        # the prior needs level 5, so what it adds to levels 3 to 5 goes to the decoder, not back into the encoder
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
        """Return what each block of SCB takes: an interaction of both modalities, and the global map."""
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
        """Return the features of both modalities at five levels; each stage goes on from calibrated ones."""
        features = []
        for level, (stage_a, stage_b) in enumerate(zip(*self.encoders, strict=True)):
            a, b = stage_a(a), stage_b(b)
            if self.calibrate is not None:
                a, b = self.calibrate[level](a, b)
            features.append([a, b])
        return features
