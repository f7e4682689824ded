"""TarDAL's generator: both sources in one dense network.

Liu et al., "Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to Fuse Infrared and
Visible for Object Detection", CVPR 2022, arXiv 2203.16220; first release.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from fusionbench.data.eight_bit import levels, opencv_chroma, opencv_gray, opencv_rgb
from fusionbench.published import PublishedFusionMethod

CARD = {
    "title": "TarDAL",
    "kind": "learned",
    "trainable": False,
    "families": ["ir-vis"],
    "summary": "Generator of a dual adversarial network that keeps targets and texture; the authors' weights.",
    "paper": "Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to Fuse Infrared and Visible for Object Detection, CVPR 2022",
    "doi": "10.1109/CVPR52688.2022.00571",
    "url": "https://github.com/JinyuanLiu-CV/TarDAL",
    "licence": "Apache-2.0 (this implementation, written from a description in words)",
    "bibtex": """@inproceedings{liu2022tardal,
  title     = {Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to Fuse Infrared and Visible for Object Detection},
  author    = {Liu, Jinyuan and Fan, Xin and Huang, Zhanbo and Wu, Guanyao and Liu, Risheng and Zhong, Wei and Luo, Zhongxuan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {5802--5811}, year = {2022}
}
""",
    "expect": {"parameters": 296577, "parameters_tolerance": 0},
    "checkpoints": [
        {
            "url": "https://raw.githubusercontent.com/Linfeng-Tang/VIF-Benchmark/23f2e51fc1b084310d998999222ce02dc364b6eb/Checkpoint/TarDAL",
            "files": {"tardal.pt": "e0fa61e25cffa9fb14ff17b47ea7ba237a6e8c6f37e1b9b115d63354ff0f13e1"},
            "licence": "GPL-3.0",
        },
        {
            "url": "https://raw.githubusercontent.com/Linfeng-Tang/VIF-Benchmark/23f2e51fc1b084310d998999222ce02dc364b6eb/Checkpoint/TarDAL",
            "files": {"tardal++.pt": "7009d125e36db043d6918d9358e10c6dca7fdf2dd08ada09c5ecd294f45f98c5"},
            "arguments": {"training": "cooperative"},
            "licence": "GPL-3.0",
        },
    ],
    "convert": [{"^": "network."}],
    "quirks": [
        {
            "what": "colour",
            "official": "OpenCV's 8-bit grey goes in; Cr and Cb of OpenCV's 8-bit YCrCb are put beside the truncated result",
            "default": "luma and chroma as real numbers, rounded once at the end",
            "effect": "0.5 grey levels on average, at most 2",
        },
        {
            "what": "precision",
            "official": "float32; the script itself computes in half precision on CUDA, which is not repeated",
            "default": "float32",
        },
        {
            "what": "weights",
            "official": "a mirror of the first release; that of tardal+ is left out, as most of its output is negative",
            "default": "the same",
        },
    ],
}
CONFIG = {
    "variants": {
        "official": {"about": "as the authors' script in float32, to the pixel", "args": {"official": True}},
        "plusplus": {"about": "the weights called tardal++", "args": {"training": "cooperative"}},
    }
}


class TarDAL(PublishedFusionMethod):
    """TarDAL, first release; ``training`` names the strategy behind the weights: direct, or cooperative (tardal++)."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})

    def __init__(
        self, *, official: bool = False, training: Literal["direct", "cooperative"] = "direct"
    ) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        self.network = TarDALNetwork()

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return (a, opencv_gray(levels(b)) / 255) if self.official else (a, b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        if not self.official:
            return output.clamp(0, 1)
        luma = (output.clamp(0, 1) * 255).to(torch.int32)
        return opencv_rgb(luma, *opencv_chroma(levels(b))) / 255


class TarDALNetwork(nn.Module):
    """Two images [B, 1, H, W] in [0, 1] to one in [-1, 1]."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.encoder = _conv(2, width)
        self.dense = nn.ModuleList(_conv(width * layers, width) for layers in (1, 2, 3))
        self.fuse = nn.Sequential(
            nn.Sequential(nn.Conv2d(4 * width, 4 * width, 3, padding=1), nn.ReLU()),  # no normalisation
            _conv(4 * width, 2 * width),
            _conv(2 * width, width),
            nn.Sequential(nn.Conv2d(width, 1, 3, padding=1), nn.Tanh()),
        )

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        features = self.encoder(torch.cat([a, b], dim=1))
        for conv in self.dense:
            features = torch.cat([features, conv(features)], dim=1)
        return self.fuse(features)


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())
