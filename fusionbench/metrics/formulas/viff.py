"""VIFF, visual information fidelity for fusion (Han, Cai, Cao and Xu 2013).

With g, r and v of each source as in `fusionbench.metrics.formulas.fidelity`, n = 0.005 * 255^2, C = 1e-7 and at each
pixel S the source with the smaller g:

    VIFF = sum over scales k of w_k * sum(log10(1 + g_S^2 v_S / (r_S + n)) + C) / sum(log10(1 + v_S / n) + C)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fusionbench.metrics import compiled
from fusionbench.metrics.formulas.fidelity import WINDOWS, Texture, distortion, own_textures, textures
from fusionbench.metrics.image_cache import Outcome, Triple, constant, sum_image
from fusionbench.metrics.registry import metric

NOISE = 0.005 * 255**2  # variance n of the noise of the visual system, for levels 0..255
SMALL = 1e-7 * math.log(10)  # C in nats, since natural logarithms are used here
WEIGHTS = (1 / 2.15, 0.0, 0.15 / 2.15, 1 / 2.15)  # w_k of the four scales, finest first


@metric(
    name="VIFF",
    title="Visual information fidelity for fusion",
    better="higher",
    unit="1",
    range=(0, None),
    convention="Han 2013: at each pixel the source with the smaller gain, four scales weighted 1, 0, 0.15 and 1 "
    "over 2.15, noise variance 325.125 on 0..255",
    doi="10.1016/j.inffus.2011.08.002",
    smallest=41,
    version=2,
)
def visual_information_fidelity_for_fusion(triple: Triple) -> Outcome:
    """Return VIFF, at least 0; see the module for the equation. Source: Han et al. 2013.

    At each pixel the source that the fused image follows less is taken. Undefined where both sources are constant.
    """
    flat = triple.a.of(constant) & triple.b.of(constant)
    ratios = (kept / present for kept, present in _sums(triple))
    value = sum(weight * ratio for weight, ratio in zip(WEIGHTS, ratios, strict=True))
    return Outcome(value, ((flat, "both sources are constant"),))


def _sums(triple: Triple) -> list[Tensor]:
    """Return, for each scale, numerator and denominator of the module's equation, float64 [2, B], in nats."""
    a, b, fused = triple
    if compiled.usable(fused.levels):
        from fusionbench.metrics.compiled import images

        by_scale = torch.from_numpy(images.visual_sums_for_fusion(triple, NOISE)).permute(1, 2, 0)
        places = [local.variance.size for local in a.of(images.visual_scales, 1.0)[0]]
        return [scale + SMALL * count for scale, count in zip(by_scale, places, strict=True)]
    sums: dict[int, Tensor] = {}
    for bands in zip(textures(fused), a.of(own_textures), b.of(own_textures), strict=True):
        window = len(bands[0].weights)
        sums[window] = sums.get(window, 0) + _kept_and_present(*bands)
    return [sums[size] for size in WINDOWS]


def _kept_and_present(fused: Texture, a: Texture, b: Texture) -> Tensor:
    """Return numerator and denominator over a band, float64 [2, B], in nats."""
    gain_a, kept_a = _kept(a, fused)
    gain_b, kept_b = _kept(b, fused)
    follows_a_less = gain_a < gain_b
    kept = torch.where(follows_a_less, kept_a, kept_b)
    present = torch.where(follows_a_less, a.variance, b.variance).div_(NOISE).log1p_()
    return torch.stack((sum_image(kept.add_(SMALL)), sum_image(present.add_(SMALL))))


def _kept(source: Texture, fused: Texture) -> tuple[Tensor, Tensor]:
    """Return g and log(1 + g^2 v / (r + n)) at each pixel of a band; both are 0 where the source is flat."""
    gain, rest = distortion(source, fused)
    gain.mul_(source.variance.sign())
    return gain, gain.square().mul_(source.variance).div_(rest.add_(NOISE)).log1p_()
