"""Parameters and multiply-accumulate operations of a method.

One multiply-accumulate counts as one (what most fusion papers print as "FLOPs"). Two counts are given:
``conv_linear`` sums convolutions and linear layers, as tools count that do not see a plain matrix product;
``all`` adds matrix products, normalisation, pooling and resizing, as fvcore counts them.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch

from fusionbench.method import FusionMethod, padded_side

CONV_LINEAR = ("conv", "linear")


def parameter_count(method: FusionMethod, part: str = "") -> int:
    """Return the number of values in all parameters, trainable or frozen; buffers do not count.

    ``part`` names the one submodule that a paper counts, in a card ``expect.parameters_of``.
    """
    return sum(parameter.numel() for parameter in method.get_submodule(part).parameters())


def example(method: FusionMethod, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a random pair as ``fuse`` takes it, sides rounded up to what the method needs."""
    sides = [padded_side(method, side) for side in (height, width)]
    channels = 3 if method.color == "rgb" else 1
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(1, 1, *sides, generator=generator)
    b = torch.rand(1, channels, *sides, generator=generator)
    return a.to(method.device), b.to(method.device)


def macs(method: FusionMethod, height: int, width: int) -> dict[str, int]:
    """Count the multiply-accumulates of one ``fuse`` in both conventions."""
    from fvcore.nn import FlopCountAnalysis

    with warnings.catch_warnings():
        # torch.jit.trace, on which fvcore rests, warns about itself and about Python branches on sizes
        warnings.simplefilter("ignore")
        analysis = FlopCountAnalysis(method.eval(), example(method, height, width))
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention_macs)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_operator = analysis.by_operator()
    return {
        "conv_linear": int(sum(count for name, count in by_operator.items() if name in CONV_LINEAR)),
        "all": int(sum(by_operator.values())),
    }


def _attention_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """Count the two matrix products of an attention, which fvcore does not know: scores, and weighted values."""
    (*_, queries, channels), (*_, keys, _) = (value.type().sizes() for value in inputs[:2])
    batch = math.prod(inputs[0].type().sizes()[:-2])
    return batch * queries * keys * (channels + inputs[2].type().sizes()[-1])
