"""DenseFuse: one encoder with a dense block for both sources, the mean of their features, a decoder.

Li and Wu, "DenseFuse: A Fusion Approach to Infrared and Visible Images", IEEE TIP 28(5), 2019,
doi 10.1109/TIP.2018.2887342; here the PyTorch version that its authors trained anew.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from fusionbench.data.eight_bit import levels, pillow_gray
from fusionbench.published import PublishedFusionMethod

CARD = {
    "title": "DenseFuse",
    "kind": "learned",
    "trainable": False,
    "families": ["ir-vis"],
    "summary": "Encoder with a dense block for both sources, mean of their features, decoder; the authors' weights.",
    "paper": "DenseFuse: A Fusion Approach to Infrared and Visible Images, IEEE TIP 28(5), 2019",
    "doi": "10.1109/TIP.2018.2887342",
    "url": "https://github.com/hli1221/densefuse-pytorch",
    "licence": "Apache-2.0 (this implementation, written from a description in words)",
    "bibtex": """@article{li2019densefuse,
  title   = {{DenseFuse}: A Fusion Approach to Infrared and Visible Images},
  author  = {Li, Hui and Wu, Xiao-Jun},
  journal = {IEEE Transactions on Image Processing},
  volume  = {28}, number = {5}, pages = {2614--2623}, year = {2019},
  doi     = {10.1109/TIP.2018.2887342}
}
""",
    "expect": {"parameters": 74193, "parameters_tolerance": 0},
    "checkpoints": [
        {
            "url": "https://raw.githubusercontent.com/hli1221/densefuse-pytorch/4394b63e9295db1c6b7a5c3664551c90f0605f2b/models",
            "files": {
                "densefuse_gray.model": "b34cf3650f04161b31ac2467decfeedf7eba39165b7618f846e0f298ecd2ac65"
            },
            "licence": "none stated",
        },
        {
            "url": "https://raw.githubusercontent.com/hli1221/densefuse-pytorch/4394b63e9295db1c6b7a5c3664551c90f0605f2b/models",
            "files": {
                "densefuse_rgb.model": "d1829f47c0ff02ecfc294907655384eebc911a00deb89b91e354ae47c8728ea5"
            },
            "arguments": {"rgb": True},
            "licence": "none stated",
        },
    ],
    "convert": [
        {r"^": "network."},
        {r"\.conv2d\.": ".0."},
        {r"\.DB1\.denseblock\.(\d)\.dense_conv": r".dense.\1"},
    ],
    "quirks": [
        {
            "what": "rounding",
            "official": "colour made grey by Pillow, rounded to 8 bits; the output is cut to 0..255 and truncated",
            "default": "luma as real numbers; the output is rounded",
            "effect": "0.5 to 0.7 grey levels on average, at most 1 on grey pairs and 4 on colour pairs",
        },
        {
            "what": "colour",
            "official": "grey image, also of a colour source (official+rgb: the network fuses R, G and B itself)",
            "default": "the visible source's chroma is attached",
        },
        {
            "what": "strategy",
            "official": "the mean of the features, whatever the script's argument says (its other branch is commented out)",
            "default": "the same",
        },
        {
            "what": "weights",
            "official": "of the PyTorch version; the TNO images published as DenseFuse come from TensorFlow and are stretched to 0..255",
            "default": "the same",
        },
    ],
}
CONFIG = {
    "variants": {
        "official": {"about": "as the authors' script, to the pixel", "args": {"official": True}},
        "rgb": {"about": "the authors' weights for three channels", "args": {"rgb": True}},
    }
}


class DenseFuse(PublishedFusionMethod):
    """DenseFuse in its authors' PyTorch version; ``rgb`` takes the network of three channels and its weights."""

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis"})
    smallest_side = 2  # reflection

    def __init__(self, *, official: bool = False, rgb: bool = False) -> None:
        super().__init__(official)
        self.save_hyperparameters()
        if rgb:
            self.color = "rgb"  # type: ignore[misc]  # this one asks for more than its class
        self.network = DenseFuseNetwork(3 if rgb else 1)

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        if self.official and not self.hparams.rgb:
            return levels(a).float(), pillow_gray(levels(b)).float()
        return 255 * a.expand_as(b), 255 * b

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        output = output.clamp(0, 255)
        return (output.floor() if self.official else output) / 255


class DenseFuseNetwork(nn.Module):
    """Takes and returns values from 0 to 255, never negative: the last layer has a ReLU too."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _conv(channels, 16)
        self.dense = nn.ModuleList(_conv(width, 16) for width in (16, 32, 48))
        self.conv2, self.conv3, self.conv4 = _conv(64, 64), _conv(64, 32), _conv(32, 16)
        self.conv5 = _conv(16, channels)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Fuse a and b [B, C, H, W]."""
        features = (self.encode(a) + self.encode(b)) / 2
        return self.conv5(self.conv4(self.conv3(self.conv2(features))))

    def encode(self, image: Tensor) -> Tensor:
        features = self.conv1(image)
        for conv in self.dense:
            features = torch.cat([features, conv(features)], dim=1)
        return features


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect"), nn.ReLU())
