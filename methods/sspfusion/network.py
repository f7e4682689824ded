"""SSPFusion's network: a structural feature extractor, two encoders, structure-preserving fusion and a decoder.

Source: "SSPFusion: A semantic structure-preserving approach for multi-modality image fusion", arXiv 2309.14745,
doi 10.48550/arXiv.2309.14745. The paper names the parts and prints their total size; ``card.yaml`` says how widths
and numbers of blocks follow from it. No layer has a bias, and all of them share one PReLU slope.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (80, 128, 176)
REDUCTION = 4  # of the channel gate
BLOCKS = 2  # a level, in encoders and decoders
STRUCTURE_TAIL, FUSION_TAIL = 2, 7  # blocks at full size behind the two decoders


def conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)


def resize(x: Tensor, factor: float) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class RCAB(nn.Module):
    """Residual channel attention block: 3x3, PReLU, 3x3, a gate per channel, and the input added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = width // REDUCTION
        self.first, self.second = conv(width, width, 3), conv(width, width, 3)
        self.gate = nn.Sequential(conv(width, hidden, 1), nn.ReLU(), conv(hidden, width, 1), nn.Sigmoid())

    def forward(self, x: Tensor, slope: Tensor) -> Tensor:
        y = self.second(F.prelu(self.first(x), slope))
        return torch.addcmul(x, y, self.gate(y.mean((2, 3), keepdim=True)))


class Blocks(nn.ModuleList):
    """Residual channel attention blocks in a row."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__(RCAB(width) for _ in range(count))

    def forward(self, x: Tensor, slope: Tensor) -> Tensor:
        for block in self:
            x = block(x, slope)
        return x


class Encoder(nn.Module):
    """Give the features F_k of an image [B, 1, H, W] at full, half and quarter size."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(1, WIDTHS[0], 3)
        self.levels = nn.ModuleList(Blocks(width, BLOCKS) for width in WIDTHS)
        self.down = nn.ModuleList(conv(wide, narrow, 1) for wide, narrow in pairwise(WIDTHS))

    def forward(self, image: Tensor, slope: Tensor) -> list[Tensor]:
        features = [self.levels[0](self.stem(image), slope)]
        for down, level in zip(self.down, self.levels[1:], strict=True):
            features.append(level(down(resize(features[-1], 0.5)), slope))
        return features


class Decoder(nn.Module):
    """Come up from the deepest level, adding to each other level what ``skips`` has for it; level 1 comes first."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleList(Blocks(width, BLOCKS) for width in WIDTHS)
        self.up = nn.ModuleList(conv(wide, narrow, 1) for narrow, wide in pairwise(WIDTHS))

    def forward(self, deepest: Tensor, slope: Tensor, skips: list[Tensor] | None = None) -> list[Tensor]:
        decoded = [self.levels[-1](deepest, slope)]
        for level in reversed(range(len(self.up))):
            # 1x1 and bilinear resizing commute; in this order they cost a quarter
            x = resize(self.up[level](decoded[0]), 2)
            if skips is not None:
                x = x + skips[level]
            decoded.insert(0, self.levels[level](x, slope))
        return decoded


class Structure(NamedTuple):
    """What the extractor makes of one image: features F_k and structure maps S^k in [0, 1], level 1 first.

    ``image`` [B, 1, H, W] is the structure map of the image itself, None without the tail that makes it. Its range is
    open: under a sigmoid it was found to stick at 0 or 1, where the reconstruction loss has no gradient.
    """

    features: list[Tensor]
    maps: list[Tensor]
    image: Tensor | None


class StructuralFeatureExtractor(nn.Module):
    """SFE: an encoder and a decoder without skips, the same for both modalities.

    The structure maps are all that fusion needs of it; its tail serves the reconstruction loss alone.
    """

    def __init__(self, tail: bool) -> None:
        super().__init__()
        self.encode, self.decode = Encoder(), Decoder()
        self.refine = Blocks(WIDTHS[0], STRUCTURE_TAIL) if tail else None
        self.reconstruct = conv(WIDTHS[0], 1, 3) if tail else None

    def forward(self, image: Tensor, slope: Tensor) -> list[Tensor]:
        """Return the structure maps alone, which takes less memory."""
        return [torch.sigmoid(x) for x in self.decode(self.encode(image, slope)[-1], slope)]

    def structure(self, image: Tensor, slope: Tensor) -> Structure:
        features = self.encode(image, slope)
        decoded = self.decode(features[-1], slope)
        whole = None
        if self.reconstruct is not None and self.refine is not None:
            whole = self.reconstruct(self.refine(decoded[0], slope))
        return Structure(features, [torch.sigmoid(x) for x in decoded], whole)


class UniqueStructure(nn.Module):
    """Return where the other modality alone has structure, its term of Eq. 6; a module, so that it can be drawn."""

    def forward(self, structure: Tensor, other_structure: Tensor) -> Tensor:
        return (1 - structure) * other_structure


class StructurePreservation(nn.Module):
    """Add to a modality's structures its features, or the other's where only that one has structure.

    Eqs. 5 to 8, with the subscripts of Eqs. 7 and 8 mended as ``card.yaml`` says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unique = UniqueStructure()

    def forward(
        self, structure: Tensor, other_structure: Tensor, features: Tensor, other_features: Tensor
    ) -> Tensor:
        return structure + torch.lerp(features, other_features, self.unique(structure, other_structure))


def preserve_as_printed(structure_a: Tensor, structure_b: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Return both enhanced structures by Eqs. 7 and 8 with the subscripts as they stand, reading features of a alone.

    Eq. 7 weakens the features where only a has structure and strengthens them where only b has; the two shares of
    Eq. 8 add up to the features themselves.
    """
    only_a, only_b = (1 - structure_b) * structure_a, (1 - structure_a) * structure_b
    return structure_a + (1 - only_a + only_b) * a, structure_b + a


class SSPFusionNetwork(nn.Module):
    """Fuse a and b [B, 1, H, W] in [0, 1], H and W multiples of 4, into [B, 1, H, W] of no fixed range.

    Without ``spf`` structures are added to features and nothing is exchanged between the modalities; without
    ``tail`` the extractor cannot reconstruct. ``as_printed`` takes the subscripts of Eqs. 7 and 8 as they stand; there
    is no encoder of b then, as nothing would read it.
    """

    def __init__(self, spf: bool, tail: bool, as_printed: bool = False) -> None:
        super().__init__()
        self.preserve = StructurePreservation() if spf else None
        self.slope = nn.Parameter(torch.full((1,), 0.25))
        self.extractor = StructuralFeatureExtractor(tail)
        self.encode_a = Encoder()
        self.encode_b = None if as_printed else Encoder()
        self.skip_a = nn.ModuleList(RCAB(width) for width in WIDTHS[:-1])
        self.skip_b = nn.ModuleList(RCAB(width) for width in WIDTHS[:-1])
        self.decode = Decoder()
        self.refine = Blocks(WIDTHS[0], FUSION_TAIL)
        self.reconstruct = conv(WIDTHS[0], 1, 3)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.fuse(a, b, self.extractor(a, self.slope), self.extractor(b, self.slope))

    def structure(self, image: Tensor) -> Structure:
        return self.extractor.structure(image, self.slope)

    def fuse(self, a: Tensor, b: Tensor, maps_a: list[Tensor], maps_b: list[Tensor]) -> Tensor:
        """Fuse under structure maps S^k; the lists are emptied, so that without gradients a used map is freed."""
        features_a = self.encode_a(a, self.slope)
        features_b = [] if self.encode_b is None else self.encode_b(b, self.slope)
        joined: list[Tensor] = []
        while features_a:
            level = len(features_a) - 1
            other = features_b.pop() if features_b else None
            pair = self.enhance(maps_a.pop(), maps_b.pop(), features_a.pop(), other)
            joined.insert(0, self.join(level, *pair))
        x = self.decode(joined.pop(), self.slope, joined)[0]
        return self.reconstruct(self.refine(x, self.slope))

    def enhance(
        self, structure_a: Tensor, structure_b: Tensor, a: Tensor, b: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return what each modality hands on at one level; ``b`` is None where Eqs. 7 and 8 are as printed."""
        if b is None:
            return preserve_as_printed(structure_a, structure_b, a)
        if self.preserve is not None:
            return (
                self.preserve(structure_a, structure_b, a, b),
                self.preserve(structure_b, structure_a, b, a),
            )
        return structure_a + a, structure_b + b

    def join(self, level: int, a: Tensor, b: Tensor) -> Tensor:
        """Add the modalities for the decoder, above the deepest level each through a block of its own."""
        if level < len(self.skip_a):
            a, b = self.skip_a[level](a, self.slope), self.skip_b[level](b, self.slope)
        return a + b
