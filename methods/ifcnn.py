"""IFCNN: fixed and learned features of both sources, joined element by element.

Zhang et al., "IFCNN: A general image fusion framework based on convolutional neural network", Information Fusion 54,
2020, doi 10.1016/j.inffus.2019.07.011.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from fusionbench.data.color import luma
from fusionbench.data.eight_bit import levels, opencv_gray, truncated
from fusionbench.published import PublishedFusionMethod

CARD = {
    "title": "IFCNN",
    "kind": "learned",
    "trainable": False,
    "families": ["ir-vis", "medical"],
    "summary": "Features of ResNet's first layer and one more, their maximum (or sum, mean), two layers back; the authors' weights.",
    "paper": "IFCNN: A general image fusion framework based on convolutional neural network, Information Fusion 54, 2020",
    "doi": "10.1016/j.inffus.2019.07.011",
    "url": "https://github.com/uzeful/IFCNN",
    "licence": "Apache-2.0 (this implementation, written from a description in words)",
    "bibtex": """@article{zhang2020ifcnn,
  title   = {{IFCNN}: A general image fusion framework based on convolutional neural network},
  author  = {Zhang, Yu and Liu, Yu and Sun, Peng and Yan, Han and Zhao, Xiaolin and Zhang, Li},
  journal = {Information Fusion},
  volume  = {54}, pages = {99--118}, year = {2020},
  doi     = {10.1016/j.inffus.2019.07.011}
}
""",
    "expect": {"parameters": 83587, "parameters_tolerance": 0},
    "checkpoints": [
        {
            "url": "https://raw.githubusercontent.com/uzeful/IFCNN/8fe59c2b1553e52acc793986208ca479d134a8da/Code/snapshots",
            "files": {"IFCNN-MAX.pth": "6022b44c88a2f0367ba9b08fcdf0d663745d9a966fca0ee1f41867797b6ff53f"},
            "licence": "none stated",
        },
        {
            "url": "https://raw.githubusercontent.com/uzeful/IFCNN/8fe59c2b1553e52acc793986208ca479d134a8da/Code/snapshots",
            "files": {"IFCNN-SUM.pth": "a8c1d293f1bf16a93e6244a4bf8f7a7bd300dc10555c8597ad7ef3320b0410cb"},
            "arguments": {"rule": "sum"},
            "licence": "none stated",
        },
        {
            "url": "https://raw.githubusercontent.com/uzeful/IFCNN/8fe59c2b1553e52acc793986208ca479d134a8da/Code/snapshots",
            "files": {"IFCNN-MEAN.pth": "fd2ee9361f1d428fc9749e28e8a2c5c5ef6ce6528ab6f5ad8ef5def42e7ffa4b"},
            "arguments": {"rule": "mean"},
            "licence": "none stated",
        },
    ],
    "convert": [{"^": "network."}, {r"\.bn\.": ".norm."}],
    "quirks": [
        {
            "what": "colour",
            "official": "the network sees R, G and B; its colour result is truncated to 8 bits and stored as OpenCV's grey",
            "default": "the network sees luma three times, and the source's chroma is attached to the luma of its result",
            "effect": "0.5 grey levels on grey pairs; 0.6 to 1.8 on colour pairs, up to 35 where the chroma leaves the range",
        },
    ],
}
CONFIG = {
    "variants": {
        "official": {"about": "as the authors' script, to the pixel", "args": {"official": True}},
        "sum": {"about": "features are added; weights of their own", "args": {"rule": "sum"}},
        "mean": {"about": "features are averaged; weights of their own", "args": {"rule": "mean"}},
    }
}


class IFCNN(PublishedFusionMethod):
    """IFCNN with the ``rule`` that joins the features; each rule has weights of its own."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical"})

    def __init__(self, *, official: bool = False, rule: Literal["max", "sum", "mean"] = "max") -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = IFCNNNetwork(rule)

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a.expand(-1, 3, -1, -1), b.expand(-1, 3, -1, -1)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if self.official:
            return opencv_gray(levels(truncated(output))) / 255
        return luma(*output.clamp(0, 1).split(1, dim=1))


class IFCNNNetwork(nn.Module):
    """Two images of three channels in [0, 1] to one; nothing bounds the result."""

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule
        self.conv1 = nn.Conv2d(3, 64, 7, padding=3, padding_mode="replicate", bias=False)
        self.conv2, self.conv3 = ConvNormReLU(), ConvNormReLU()
        self.conv4 = nn.Conv2d(64, 3, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        pair = torch.stack([self.conv2(self.conv1(image)) for image in (a, b)])
        joined = pair.amax(0) if self.rule == "max" else pair.sum(0) if self.rule == "sum" else pair.mean(0)
        return self.conv4(self.conv3(joined))


class ConvNormReLU(nn.Module):
    """3x3 convolution of 64 channels without bias, batch normalisation, ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, padding=1, padding_mode="replicate", bias=False)
        self.norm = nn.BatchNorm2d(64)

    def forward(self, features: Tensor) -> Tensor:
        return self.norm(self.conv(features)).relu()
