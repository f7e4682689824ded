"""CSP-MCIN's network: two ResNet-18 encoders, four semantic fusion modules (HSFM), one of details (LDFM).

Source: "Correlation and Semantic Prior-Guided Multi-Scale Cross-Modal Interaction Network for SAR-OPT Image Fusion",
Remote Sens. 2026, 18(7), 975, doi 10.3390/rs18070975; what only its released code shows is listed in ``card.yaml``.
Tokens are [B, N, C], features [B, C, H, W]; the sides of an image are multiples of 32.
"""

from __future__ import annotations

from typing import Literal, cast

import timm
import torch
import torch.nn.functional as F
from timm.models.resnet import ResNet
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)  # of levels 1 to 4; the stem, level 0, has 64 too
FinalGate = Literal["as_released", "no_ln"]
DROPOUT = 0.1
BORDER = 2  # pixels around a feature map that a 5x5 convolution needs


class Attention(nn.Module):
    """Single-head scaled dot-product attention: queries from ``tokens``, keys and values from ``context``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        # an axis for the one head: with it no map of N x N is ever held
        query, key = self.query(tokens)[:, None], self.key(context)[:, None]
        found = F.scaled_dot_product_attention(query, key, self.value(context)[:, None])
        return self.output(found[:, 0])


def mlp(width: int) -> nn.Sequential:
    layers = nn.Linear(width, width), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(width, width)
    return nn.Sequential(*layers, nn.Dropout(DROPOUT))


class Block(nn.Module):
    """Attention and MLP, each behind a layer norm and beside a residual connection.

    Without ``cross`` tokens attend to themselves and share their norm, else to a context with a norm of its own.
    Without ``attention`` only the MLP is left.
    """

    def __init__(self, width: int, cross: bool, attention: bool) -> None:
        super().__init__()
        self.attention = Attention(width) if attention else None
        self.norm = nn.LayerNorm(width) if attention else nn.Identity()
        self.norm_context = nn.LayerNorm(width) if attention and cross else nn.Identity()
        self.norm_mlp, self.mlp = nn.LayerNorm(width), mlp(width)

    def forward(self, tokens: Tensor, context: Tensor | None = None) -> Tensor:
        if self.attention is not None:
            query = self.norm(tokens)
            keys = query if context is None else self.norm_context(context)
            tokens = tokens + self.attention(query, keys)
        return tokens + self.mlp(self.norm_mlp(tokens))


class CrossModalTransformer(nn.Module):
    """Let each modality attend to itself, then both to each other; no weights are shared."""

    def __init__(self, width: int, attention: bool) -> None:
        super().__init__()
        self.intra_sar, self.intra_opt = (Block(width, cross=False, attention=attention) for _ in range(2))
        self.inter_sar, self.inter_opt = (Block(width, cross=True, attention=attention) for _ in range(2))

    def forward(self, sar: Tensor, opt: Tensor) -> tuple[Tensor, Tensor]:
        size = sar.shape[-2:]
        sar, opt = (x.flatten(2).transpose(1, 2) for x in (sar, opt))
        sar, opt = self.intra_sar(sar), self.intra_opt(opt)
        # both read what the other was before this step
        sar, opt = self.inter_sar(sar, opt), self.inter_opt(opt, sar)
        return sar.transpose(1, 2).unflatten(2, size), opt.transpose(1, 2).unflatten(2, size)


class GatedFusion(nn.Module):
    """Weigh features of any number of sources against each other, channel by channel and pixel by pixel.

    All sources share the layers that score them; the weights of a value sum to 1 over the sources. ``norm`` leaves out
    the layer norm, which over a single channel returns its bias alone: all scores are then equal, whatever is learned,
    and no gradient reaches the layers. Such a gate computes no scores; it keeps its layers, frozen, because the printed
    size counts them.
    """

    def __init__(self, width: int, norm: bool = True) -> None:
        super().__init__()
        hidden = max(1, width // 2)
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.reduce, self.restore = nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, width, 1)
        self.weighs = width > 1 or not norm
        self.requires_grad_(self.weighs)

    def forward(self, *features: Tensor) -> Tensor:
        if not self.weighs:
            return (torch.stack(features) * (1 / len(features))).sum(0)
        weights = torch.stack([self.score(x) for x in features]).softmax(0)
        return (weights * torch.stack(features)).sum(0)

    def score(self, x: Tensor) -> Tensor:
        x = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.restore(F.gelu(self.reduce(x)))


class Concatenation(nn.Module):
    """Stand in for gated fusion in the ablation: sources side by side, brought to their width by a 1x1 convolution."""

    def __init__(self, width: int, sources: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(sources * width, width, 1)

    def forward(self, *features: Tensor) -> Tensor:
        return self.mix(torch.cat(features, 1))


class Up(nn.Module):
    """Double the size: bilinear, then a 5x5 convolution with a mirrored border."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 2 * BORDER + 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(mirrored(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)))


def mirrored(x: Tensor) -> Tensor:
    """Mirror BORDER pixels on all sides, the edge itself not repeated; also where a side is no longer than that."""
    if min(x.shape[-2:]) > BORDER:
        return F.pad(x, (BORDER,) * 4, mode="reflect")
    rows, columns = (_reflected(side, x.device) for side in x.shape[-2:])
    return x[:, :, rows][..., columns]


def _reflected(side: int, device: torch.device) -> Tensor:
    """Return which pixel each place of a mirrored axis shows; a wave of period 2 (side - 1)."""
    last = side - 1
    places = torch.arange(-BORDER, side + BORDER, device=device)
    return last - (places % (2 * last) - last).abs()


def encoder(unused_fc: bool) -> ResNet:
    """Return an untrained ResNet-18 for one channel whose ``forward_intermediates`` gives levels 0 to 4.

    The released code keeps the layer of 1000 classes, which nothing reads: here frozen, as no gradient reaches it.
    """
    classes = 1000 if unused_fc else 0
    network = cast(
        ResNet, timm.create_model("resnet18", in_chans=1, num_classes=classes, zero_init_last=False)
    )
    network.fc.requires_grad_(False)
    return network


def fusion(width: int, sources: int, gfu: bool, norm: bool = True) -> nn.Module:
    return GatedFusion(width, norm) if gfu else Concatenation(width, sources)


class HSFM(nn.Module):
    """High-level semantic fusion module of one level: align both modalities, then merge them."""

    def __init__(self, width: int, attention: bool, gfu: bool) -> None:
        super().__init__()
        self.transformer = CrossModalTransformer(width, attention)
        self.fusion = fusion(width, 2, gfu)

    def forward(self, sar: Tensor, opt: Tensor) -> Tensor:
        return self.fusion(*self.transformer(sar, opt))


class Sum(nn.Module):
    """Stand in for an HSFM in the ablation without them."""

    def forward(self, sar: Tensor, opt: Tensor) -> Tensor:
        return sar + opt


class LDFM(nn.Module):
    """Low-level detail fusion module: add the stems' features at half size, then the sources themselves."""

    def __init__(self, gfu: bool, final_gfu: FinalGate) -> None:
        super().__init__()
        self.details = fusion(WIDTHS[0], 3, gfu)
        self.up = Up(WIDTHS[0], 1)
        self.observations = fusion(1, 3, gfu, norm=final_gfu == "as_released")

    def forward(
        self, semantic: Tensor, stems: tuple[Tensor, Tensor], sources: tuple[Tensor, Tensor]
    ) -> Tensor:
        return self.observations(*sources, self.up(self.details(*stems, semantic)))


class Plain(nn.Module):
    """Stand in for the LDFM in the ablation: the semantic features alone become the image."""

    def __init__(self) -> None:
        super().__init__()
        self.up = Up(WIDTHS[0], 1)

    def forward(
        self, semantic: Tensor, stems: tuple[Tensor, Tensor], sources: tuple[Tensor, Tensor]
    ) -> Tensor:
        return self.up(semantic)


class CSPMCINNetwork(nn.Module):
    """Fuse SAR and optical luma [B, 1, H, W] in [0, 1] to [B, 1, H, W]; the result is not clamped.

    ``hsfm``, ``ldfm``, ``attention`` and ``gfu`` leave modules out as the paper's ablations do. With ``final_gfu``
    "as_released" the last gate cannot but weigh by a third each, so that the result is the mean of SAR, optical and
    decoded image; "no_ln" lets it work. ``unused_fc`` keeps the two layers that the printed size counts.
    """

    def __init__(
        self,
        *,
        hsfm: bool = True,
        ldfm: bool = True,
        attention: bool = True,
        gfu: bool = True,
        final_gfu: FinalGate = "as_released",
        unused_fc: bool = True,
    ) -> None:
        super().__init__()
        self.sar_encoder, self.opt_encoder = encoder(unused_fc), encoder(unused_fc)
        self.levels = nn.ModuleList(HSFM(width, attention, gfu) if hsfm else Sum() for width in WIDTHS)
        first, second, third, fourth = WIDTHS
        # from level 4 down; from the second on the input is the level above beside that of the same size
        self.up = nn.ModuleList(
            [Up(fourth, third), Up(2 * third, second), Up(2 * second, first), Up(2 * first, first)]
        )
        self.ldfm = LDFM(gfu, final_gfu) if ldfm else Plain()

    def forward(self, sar: Tensor, opt: Tensor) -> Tensor:
        sar_stem, *sar_levels = self.sar_encoder.forward_intermediates(sar, intermediates_only=True)
        opt_stem, *opt_levels = self.opt_encoder.forward_intermediates(opt, intermediates_only=True)
        fused = [f(*pair) for f, *pair in zip(self.levels, sar_levels, opt_levels, strict=True)]
        return self.ldfm(self.aggregate(fused), (sar_stem, opt_stem), (sar, opt))

    def aggregate(self, fused: list[Tensor]) -> Tensor:
        """Join levels 1 to 4 into [B, 64, H / 2, W / 2]."""
        x = self.up[0](fused[3])
        for up, level in zip(self.up[1:], reversed(fused[:3]), strict=True):
            x = up(torch.cat([x, level], 1))
        return x
