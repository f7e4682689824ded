"""Parameters and multiply-accumulate operations (MACs) of a method.

A MAC counts as one operation; most fusion papers print this number as "FLOPs". There are two counts: ``conv_linear``
sums convolutions and linear layers, like tools that do not see plain matrix products; ``all`` adds matrix products,
normalisation, pooling and resizing, as fvcore counts them.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch

from fusionbench.method import FusionMethod, padded_side

CONV_LINEAR = ("conv", "linear")


def parameter_count(method: FusionMethod, part: str = "") -> int:
    """Return the number of values in all parameters, trainable or frozen; buffers are not counted.

    ``part`` is the dotted path of a submodule, if a paper counts only that one; in cards ``expect.parameters_of``.
    """
    return sum(parameter.numel() for parameter in method.get_submodule(part).parameters())


def example(method: FusionMethod, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a random pair for ``fuse``, a [1, 1, H, W] and b [1, 1 or 3, H, W] in [0, 1].

    Sides are rounded up to the method's multiple.
    """
    sides = [padded_side(method, side) for side in (height, width)]
    channels = 3 if method.color == "rgb" else 1
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(1, 1, *sides, generator=generator)
    b = torch.rand(1, channels, *sides, generator=generator)
    return a.to(method.device), b.to(method.device)


def macs(method: FusionMethod, height: int, width: int) -> dict[str, int]:
    """Return the MACs of one ``fuse`` by both counts, ``conv_linear`` and ``all``."""
    from fvcore.nn import FlopCountAnalysis

    with warnings.catch_warnings():
        # torch.jit.trace, which fvcore uses, warns of its deprecation and of Python branches on sizes
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
    """Return the MACs of scaled dot-product attention, which fvcore does not count: Q K^T, and its product with V."""
    (*_, queries, channels), (*_, keys, _) = (value.type().sizes() for value in inputs[:2])
    batch = math.prod(inputs[0].type().sizes()[:-2])
    return batch * queries * keys * (channels + inputs[2].type().sizes()[-1])
