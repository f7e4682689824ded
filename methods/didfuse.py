"""DIDFuse: an encoder splits each source into base and detail features, which are added and decoded.

Zhao et al., "DIDFuse: Deep Image Decomposition for Infrared and Visible Image Fusion", IJCAI 2020,
doi 10.24963/ijcai.2020/135, arXiv 2003.09210.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from fusionbench.data.eight_bit import levels, pillow_gray
from fusionbench.published import PublishedFusionMethod

CARD = {
    "title": "DIDFuse",
    "kind": "learned",
    "trainable": False,
    "families": ["ir-vis"],
    "summary": "One encoder splits both sources into base and detail features, these are added and decoded; the authors' weights.",
    "paper": "DIDFuse: Deep Image Decomposition for Infrared and Visible Image Fusion, IJCAI 2020",
    "doi": "10.24963/ijcai.2020/135",
    "url": "https://github.com/Zhaozixiang1228/IVIF-DIDFuse",
    "licence": "Apache-2.0 (this implementation, written from a description in words)",
    "bibtex": """@inproceedings{zhao2020didfuse,
  title     = {{DIDFuse}: Deep Image Decomposition for Infrared and Visible Image Fusion},
  author    = {Zhao, Zixiang and Xu, Shuang and Zhang, Chunxia and Liu, Junmin and Zhang, Jiangshe and Li, Pengfei},
  booktitle = {International Joint Conference on Artificial Intelligence (IJCAI)},
  pages     = {970--976}, year = {2020},
  doi       = {10.24963/ijcai.2020/135}
}
""",
    "expect": {"parameters": 260935, "parameters_tolerance": 0},
    "notes": [
        "The weights learned from 180 pairs of FLIR, says the authors' repository. RoadScene was cut from FLIR videos as well."
    ],
    "checkpoints": [
        {
            "url": "https://raw.githubusercontent.com/Zhaozixiang1228/IVIF-DIDFuse/5f287300dce7cbc90b9e08e6872455af6baa279f/Models",
            "files": {
                "Encoder_weight_IJCAI.pkl": "4d84a4e64e58469d3d4591f83c6683ead3e422498519db99bb617cb29d268471",
                "Decoder_weight_IJCAI.pkl": "c6974e2a7c66ab579a77bacb086023237a229e769d459783bad8ff43e52e9986",
            },
            "licence": "none stated",
        }
    ],
    "convert": [{r"^weight\.cov(\d)\.cov\d\.": r"network.cov\1."}, {"^epoch$": ""}],
    "quirks": [
        {
            "what": "colour",
            "official": "takes grey files only, so colour is first made grey by Pillow, rounded to 8 bits; a grey image",
            "default": "luma as real numbers; the visible source's chroma is attached",
            "effect": "none on grey pairs; 0.1 to 1.3 grey levels on colour pairs, up to 9",
        },
        {
            "what": "rounding",
            "official": "rounded, halves down, as skimage did in 2020; today's release refuses to write the array",
            "default": "rounded, halves up",
        },
    ],
}
CONFIG = {
    "variants": {"official": {"about": "as the authors' script, to the pixel", "args": {"official": True}}}
}


class DIDFuse(PublishedFusionMethod):
    """DIDFuse with the features of both sources added, its authors' default."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})
    smallest_side = 2  # reflection

    def __init__(self, *, official: bool = False) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = DIDFuseNetwork()

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return (a, pillow_gray(levels(b)) / 255) if self.official else (a, b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return (output.double() * 255 + 0.499999999).floor().float() / 255 if self.official else output


class Features(NamedTuple):
    """What the encoder finds in an image: two skips, base and detail, 64 channels each."""

    first: Tensor
    second: Tensor
    base: Tensor
    detail: Tensor


class DIDFuseNetwork(nn.Module):
    """Two images [B, 1, H, W] in [0, 1] to one."""

    def __init__(self) -> None:
        super().__init__()
        reflection = nn.ReflectionPad2d(1)
        self.cov1 = nn.Sequential(reflection, *_conv(1, 64, nn.PReLU(), padding=0))
        self.cov2 = nn.Sequential(*_conv(64, 64, nn.PReLU()))
        self.cov3 = nn.Sequential(*_conv(64, 64, nn.Tanh()))
        self.cov4 = nn.Sequential(*_conv(64, 64, nn.Tanh()))
        self.cov5 = nn.Sequential(*_conv(128, 64, nn.PReLU()))
        self.cov6 = nn.Sequential(*_conv(128, 64, nn.PReLU()))
        self.cov7 = nn.Sequential(reflection, *_conv(128, 1, nn.Sigmoid(), padding=0))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        pairs = zip(self.encode(a), self.encode(b), strict=True)
        return self.decode(Features(*(of_a + of_b for of_a, of_b in pairs)))

    def encode(self, image: Tensor) -> Features:
        first = self.cov1(image)
        second = self.cov2(first)
        return Features(first, second, self.cov3(second), self.cov4(second))

    def decode(self, features: Features) -> Tensor:
        inner = self.cov5(torch.cat([features.base, features.detail], dim=1))
        outer = self.cov6(torch.cat([inner, features.second], dim=1))
        return self.cov7(torch.cat([outer, features.first], dim=1))


def _conv(inputs: int, outputs: int, activation: nn.Module, padding: int = 1) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=padding), nn.BatchNorm2d(outputs), activation
