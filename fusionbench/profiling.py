"""Parameters, multiply-accumulate operations, latency and memory of a method.

One multiply-accumulate counts as one (what most fusion papers print as "FLOPs"). Two counts are given:
``conv_linear`` sums convolutions and linear layers, as tools count that do not see a plain matrix product;
``all`` adds matrix products, normalisation, pooling and resizing, as fvcore counts them.
"""

from __future__ import annotations

import math
import statistics
import time
import warnings
from typing import Any

import torch

from fusionbench.method import FusionMethod
from fusionbench.registry import MethodSpec

CONV_LINEAR = ("conv", "linear")


def parameter_count(method: FusionMethod, part: str = "") -> int:
    """Return the number of values in all parameters, trainable or frozen; buffers do not count.

    ``part`` names the one submodule that a paper counts, in a card ``expect.parameters_of``.
    """
    return sum(parameter.numel() for parameter in method.get_submodule(part).parameters())


def example(method: FusionMethod, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a random pair as ``fuse`` takes it, sides rounded up to what the method needs."""
    sides = [-(-side // method.multiple) * method.multiple for side in (height, width)]
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


@torch.inference_mode()
def latency(method: FusionMethod, height: int, width: int, seconds: float) -> dict[str, float]:
    """Time ``fuse`` at batch 1 for about ``seconds`` after a warm-up; median and quartiles in milliseconds.

    Reading, colour handling and saving are outside; CUDA is synchronised inside the timed region.
    """
    a, b = example(method, height, width)
    times: list[float] = []
    started = time.monotonic()
    method.eval().fuse(a, b)
    while len(times) < 3 or time.monotonic() - started < seconds:
        begin = time.perf_counter()
        method.fuse(a, b)
        if method.device.type == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - begin) * 1e3)
    low, median, high = statistics.quantiles(times, n=4)
    return {"median": median, "lower_quartile": low, "upper_quartile": high, "runs": len(times)}


def profile(
    spec: MethodSpec,
    arguments: dict[str, Any],
    sizes: list[tuple[int, int]],
    device: str,
    seconds: float,
) -> dict[str, Any]:
    """Profile one method at sizes given as (width, height); MACs as its card counts them, other counts beside.

    Raises RequestError where there is no class.
    """
    spec.require_class()
    method = spec.build(arguments).to(device)
    mode = spec.card.expect.get("count", "all")
    counts = {f"{w}x{h}": macs(method, h, w) for w, h in sizes}
    return {
        "params": parameter_count(method, spec.card.expect.get("parameters_of", "")),
        "params_all": parameter_count(method),
        "trainable_params": sum(p.numel() for p in method.parameters() if p.requires_grad),
        "macs": {size: count[mode] for size, count in counts.items()},
        "macs_count": mode,
        "macs_all": {size: count["all"] for size, count in counts.items()},
        "macs_conv_linear": {size: count["conv_linear"] for size, count in counts.items()},
        "latency_ms": {f"{w}x{h}": latency(method, h, w, seconds) for w, h in sizes},
        "peak_memory_mb": _peak_memory(method, sizes),
    }


@torch.inference_mode()
def _peak_memory(method: FusionMethod, sizes: list[tuple[int, int]]) -> dict[str, float] | None:
    """Return CUDA's peak allocation per size; None on CPU, where PyTorch keeps no such count."""
    if method.device.type != "cuda":
        return None
    peaks = {}
    for width, height in sizes:
        torch.cuda.reset_peak_memory_stats(method.device)
        method.fuse(*example(method, height, width))
        peaks[f"{width}x{height}"] = torch.cuda.max_memory_allocated(method.device) / 2**20
    return peaks
