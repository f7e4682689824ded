"""Guided-filter fusion: the classical two-scale baseline with edge-aware weights.

Li, Kang and Hu, "Image fusion with guided filtering", IEEE Trans. Image Processing 22(7), 2013,
doi 10.1109/TIP.2013.2244222; the filter: He, Sun and Tang 2013, doi 10.1109/TPAMI.2012.213.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from fusionbench.method import FusionMethod

CARD = {
    "title": "Guided filter",
    "kind": "classical",
    "families": ["ir-vis", "medical", "sar-opt"],
    "summary": "Base and detail of each source's luma, weighted by which source is salient; a guided filter aligns "
    "the weights with the source's edges, widely for the base and narrowly for the detail.",
    "reference": "Li, Kang and Hu 2013 (GFF)",
    "doi": "10.1109/TIP.2013.2244222",
    "expect": {"parameters": 0},
    "open": [
        {
            "what": "image borders",
            "choice": "means over the pixels that exist, other filters repeat the border",
            "why": "the paper does not say",
        },
        {
            "what": "negative weights",
            "choice": "set to 0 before the weights are divided by their sum",
            "why": "a guided filter can overshoot a mask in [0, 1]",
        },
    ],
}

LAPLACIAN = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64)


class GuidedFilter(FusionMethod):
    """Fuse two scales by guided weights; the defaults are the paper's.

    ``base`` is the side of the mean filter that splits the scales. A guided filter has a radius in pixels and ``eps``,
    the variance on [0, 1] above which it takes a slope for an edge.
    """

    families: ClassVar[frozenset[str]] = frozenset({"ir-vis", "medical", "sar-opt"})

    def __init__(
        self,
        *,
        base: int = 31,
        base_radius: int = 45,
        base_eps: float = 0.3,
        detail_radius: int = 7,
        detail_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        settings = self.hparams
        sources = torch.stack([a, b]).double()  # the detail's eps is below float32's rounding of a variance
        salient = torch.stack([saliency(source) for source in sources])
        masks = (salient == salient.amax(0)).double()
        bases = torch.stack([mean(source, settings.base // 2) for source in sources])
        fused = blend(bases, masks, sources, settings.base_radius, settings.base_eps)
        fused = fused + blend(sources - bases, masks, sources, settings.detail_radius, settings.detail_eps)
        return fused.clamp(0, 1).to(a.dtype)


def saliency(image: Tensor) -> Tensor:
    """Return the Gaussian mean (11x11, sigma 5) of the absolute Laplacian of an image [B, 1, H, W]."""
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    edges = F.conv2d(padded, LAPLACIAN.to(image).view(1, 1, 3, 3)).abs()
    steps = torch.arange(-5, 6, device=image.device, dtype=image.dtype)
    kernel = torch.softmax(-(steps**2) / (2 * 5.0**2), 0)
    rows = F.conv2d(F.pad(edges, (5, 5, 0, 0), mode="replicate"), kernel.view(1, 1, 1, 11))
    return F.conv2d(F.pad(rows, (0, 0, 5, 5), mode="replicate"), kernel.view(1, 1, 11, 1))


def blend(layers: Tensor, masks: Tensor, guides: Tensor, radius: int, eps: float) -> Tensor:
    """Average two layers [2, B, 1, H, W], weighted by their masks as a guided filter sees them."""
    pairs = zip(masks, guides, strict=True)
    weights = torch.stack([guided(mask, guide, radius, eps) for mask, guide in pairs]).clamp(min=0)
    weights = weights + 1e-12  # where both vanish, both count alike
    return (layers * weights).sum(0) / weights.sum(0)


def guided(image: Tensor, guide: Tensor, radius: int, eps: float) -> Tensor:
    """Filter an image so that it follows the edges of a guide (He 2013, Eqs. 5, 6 and 8)."""
    guide_mean, image_mean = mean(guide, radius), mean(image, radius)
    variance = mean(guide * guide, radius) - guide_mean**2
    slope = (mean(guide * image, radius) - guide_mean * image_mean) / (variance + eps)
    return mean(slope, radius) * guide + mean(image_mean - slope * guide_mean, radius)


def mean(image: Tensor, radius: int) -> Tensor:
    """Return the mean over a square of side 2 * radius + 1, of the pixels inside the image only."""
    side = 2 * radius + 1
    rows = F.avg_pool2d(image, (1, side), 1, (0, radius), count_include_pad=False)
    return F.avg_pool2d(rows, (side, 1), 1, (radius, 0), count_include_pad=False)
