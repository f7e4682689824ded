"""U2Fusion: both sources in one densely connected network, one set of weights for several tasks.

Xu et al., "U2Fusion: A Unified Unsupervised Image Fusion Network", IEEE TPAMI 44(1), 2022,
doi 10.1109/TPAMI.2020.3012548.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from fusionbench.published import PublishedFusionMethod

CARD = {
    "title": "U2Fusion",
    "kind": "learned",
    "trainable": False,
    "families": ["ir-vis", "medical"],
    "summary": "Densely connected network on both sources, one set of weights for all tasks; the authors' TensorFlow weights.",
    "paper": "U2Fusion: A Unified Unsupervised Image Fusion Network, IEEE TPAMI 44(1), 2022",
    "doi": "10.1109/TPAMI.2020.3012548",
    "url": "https://github.com/hanna-xu/U2Fusion",
    "licence": "Apache-2.0 (this implementation, written from a description in words)",
    "bibtex": """@article{xu2022u2fusion,
  title   = {{U2Fusion}: A Unified Unsupervised Image Fusion Network},
  author  = {Xu, Han and Ma, Jiayi and Jiang, Junjun and Guo, Xiaojie and Ling, Haibin},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {44}, number = {1}, pages = {502--518}, year = {2022},
  doi     = {10.1109/TPAMI.2020.3012548}
}
""",
    "expect": {"parameters": 659217, "parameters_tolerance": 0},
    "checkpoints": [
        {
            "url": "https://raw.githubusercontent.com/hanna-xu/U2Fusion/0a5882140df67b3e0b588e1f2233e18cf944f1a4/model",
            "files": {
                "model.ckpt.index": "15b7d283a1de8f616cc42978346bd24d47a9c380d624370368b956beb593014e",
                "model.ckpt.data-00000-of-00001": "e50cada8d4ec92f2577ad5db5d212fba521dffb35d04e00a20364b43512c64c8",
            },
            "licence": "none stated",
        }
    ],
    "convert": [
        {r"^Generator/encoder/conv1_1/": "network.first."},
        {r"^Generator/encoder/dense_block_conv(\d)/": r"network.dense.\1."},
        {r"^Generator_1/decoder/conv2_(\d)/": r"network.decoder.\1."},
        {"kernel$": "weight"},
    ],
    "quirks": [
        {
            "what": "scaling",
            "official": "divided by the largest value of the whole result, so that the brightest level is always 255",
            "default": "stored as the network gives it",
            "effect": "1 to 64 grey levels on average, up to 91",
        },
        {
            "what": "colour",
            "official": "chroma by rounded BT.601 coefficients; grey where both files have three channels",
            "default": "the coloured source's chroma is attached",
        },
    ],
}
CONFIG = {
    "variants": {"official": {"about": "as the authors' script, to the pixel", "args": {"official": True}}}
}


class U2Fusion(PublishedFusionMethod):
    """U2Fusion with its authors' one set of weights."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical"})
    smallest_side = 2  # reflection

    def __init__(self, *, official: bool = False) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = U2FusionNetwork()

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        if not self.official:
            return a, b
        red, green, blue = b.split(1, dim=1)
        return a, torch.where(_is_gray(b), red, 0.299 * red + 0.587 * green + 0.114 * blue)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if not self.official:
            return output
        image = torch.where(_is_gray(b), output, _recolored(output, b))
        highest = image.amax(dim=(1, 2, 3), keepdim=True)
        return ((image * 255 / highest).clamp(0, 255) + 0.5).floor() / 255


def _is_gray(rgb: Tensor) -> Tensor:
    """Tell for each image [B, 3, H, W] whether its channels are equal, as those of a file of one channel are."""
    return (rgb == rgb[:, :1]).all(dim=1, keepdim=True).all(dim=-1, keepdim=True).all(dim=-2, keepdim=True)


def _recolored(luma: Tensor, rgb: Tensor) -> Tensor:
    """Return R, G, B of a new luma by the script's rounded coefficients."""
    red, green, blue = rgb.split(1, dim=1)
    cb = -0.1687 * red - 0.3313 * green + 0.5 * blue
    cr = 0.5 * red - 0.4187 * green - 0.0813 * blue
    return torch.cat([luma + 1.402 * cr, luma - 0.34414 * cb - 0.71414 * cr, luma + 1.772 * cb], dim=1)


class U2FusionNetwork(nn.Module):
    """Two images [B, 1, H, W] in [0, 1] to one in [0, 1]."""

    def __init__(self, width: int = 44) -> None:
        super().__init__()
        self.first = _conv(2, width)
        self.dense = nn.ModuleDict({str(n): _conv(width * n, width) for n in range(1, 6)})
        widths = (6 * width, 128, 64, 32, 1)
        self.decoder = nn.ModuleDict({str(n): _conv(widths[n - 1], widths[n]) for n in range(1, 5)})
        self.slope = nn.LeakyReLU(0.2)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        features = self.slope(self.first(torch.cat([b, a], dim=1)))
        for conv in self.dense.values():
            features = torch.cat([self.slope(conv(features)), features], dim=1)  # the new ones come first
        *inner, last = self.decoder.values()
        for conv in inner:
            features = self.slope(conv(features))
        return last(features).tanh() / 2 + 0.5


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
