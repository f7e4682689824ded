"""DSIFuse's blocks: calibration, attention, interaction at levels 3 to 5, heads and compensation.

Equations and sections are those of the paper named in ``network.py``. Feature maps are [B, C, H, W].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def resize(x: Tensor, like: Tensor) -> Tensor:
    """Return ``x`` at the height and width of ``like``."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class CFC(nn.Module):
    """Cross-modal feature calibration: add to each modality the other, gated by channel and by position (section 3.2)."""

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
    """Compute single-head attention of every position of ``query`` over all of ``key``; maps of one H and W."""
    # [B, 1 head, positions, channels], channels side by side: in this layout torch never holds the (H*W) x (H*W)
    # matrix of weights
    q, k, v = (x.flatten(2).transpose(1, 2)[:, None].contiguous() for x in (query, key, value))
    mixed = F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2).unflatten(2, query.shape[-2:])
    # a copy, because torch reads the layout of one image off strides that a view of it has lost
    return torch.empty_like(value).copy_(mixed)


def project(inputs: int, outputs: int) -> nn.Conv2d:
    """Return W of the attention's equations. It has no bias: softmax cancels a bias of the keys."""
    return nn.Conv2d(inputs, outputs, 1, bias=False)


class FMI(nn.Conv2d):
    """FiLM-based modality integration: a 3x3 convolution of the condition scales and shifts a map."""

    def __init__(self, condition: int, width: int) -> None:
        super().__init__(condition, 2 * width, 3, padding=1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]  # two maps, not one
        scale, shift = super().forward(condition).chunk(2, dim=1)
        return x * (scale + 1) + shift  # in this order, the result has the layout of x


class CAT(nn.Module):
    """Cross-attention with its projections (Eq. 7): queries from one map, of ``inputs`` channels, keys from another."""

    def __init__(self, width: int, inputs: int) -> None:
        super().__init__()
        self.query = project(inputs, width)
        self.key, self.value = project(width, width), project(width, width)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        return attention(self.query(query), self.key(context), self.value(context))


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
    """One modality of IMB: attention queried by the prior, then attention of the feature over the result."""

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
        return [interact(*maps) for interact, *maps in zip(self, features, priors, strict=True)]


class SegmentationHead(nn.Sequential):
    """Decode a modality's deepest feature into class logits."""

    def __init__(self, width: int, hidden: int, classes: int) -> None:
        super().__init__(conv_block(width, hidden), nn.Conv2d(hidden, classes, 1))


class Reduction(nn.Conv2d):
    """Replacement of a modality's prior without semantic guidance: as many channels, which no loss supervises."""

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
    """Semantic compensation: add interaction and global prior to a level of the decoder (section 3.4)."""

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
