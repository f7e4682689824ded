"""The measurements of ``fusionbench profile`` for one method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from fusionbench.config import MethodConfig
from fusionbench.errors import WeightsError
from fusionbench.method import FusionMethod
from fusionbench.profiling.counts import macs, parameter_count
from fusionbench.profiling.memory import peak_memory
from fusionbench.profiling.timing import Budget, latency, load_time
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.weights.methods import Weights
from fusionbench.weights.published import available_weights, load_chosen

Sizes = list[tuple[int, int]]


def profile(
    spec: MethodSpec, config: MethodConfig, sizes: Sizes, device: str, budget: Budget | None = None
) -> dict[str, Any]:
    """Return size and cost of one method at ``sizes`` (width, height), as JSON; ``macs`` is the count that its card names.

    Sizes are rounded up to the method's multiple. Memory is measured before anything is timed, because PyTorch keeps
    memory that earlier calls have freed. Raises RequestError if the method has no class.
    """
    spec.require_class()
    method = spec.build(config.args).to(device).eval()
    latency(method, 32, 32, Budget(1, 3, 0.0))  # libraries are loaded and reserve memory at their first use
    memory = {_text(size): peak_memory(method, size[1], size[0]) for size in sizes}
    timed = {_text(size): latency(method, size[1], size[0], budget or Budget()) for size in sizes}
    counts = {_text(size): macs(method, size[1], size[0]) for size in sizes}
    return {
        **_parameters(method, spec),
        **_macs(counts, spec.card.expect.get("count", "all")),
        "latency_ms": timed,
        "peak_memory_mb": {size: use and use["peak"] for size, use in memory.items()},
        "added_memory_mb": {size: use and use["added"] for size, use in memory.items()},
        "memory_of": next((use["of"] for use in memory.values() if use), None),
        **_loading(spec, config, method),
        "growth": _growth(counts, timed, memory),
    }


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _parameters(method: FusionMethod, spec: MethodSpec) -> dict[str, int]:
    return {
        "params": parameter_count(method, spec.card.expect.get("parameters_of", "")),
        "params_all": parameter_count(method),
        "trainable_params": sum(p.numel() for p in method.parameters() if p.requires_grad),
    }


def _macs(counts: dict[str, dict[str, int]], mode: str) -> dict[str, Any]:
    return {
        "macs": {size: count[mode] for size, count in counts.items()},
        "macs_count": mode,
        "macs_all": {size: count["all"] for size, count in counts.items()},
        "macs_conv_linear": {size: count["conv_linear"] for size, count in counts.items()},
    }


def _loading(spec: MethodSpec, config: MethodConfig, method: FusionMethod) -> dict[str, Any]:
    """Measure the time to build the method, with its weights if any are here, and the size of the weights."""
    weights: Weights | None = None
    problem = None
    try:
        candidates = (available_weights(spec, family, config.args) for family in sorted(spec.card.families))
        weights = next(filter(None, candidates), None)
    except WeightsError as error:
        problem = str(error)

    def build() -> None:
        fresh = spec.build(config.args)
        if weights is not None:
            load_chosen(spec, fresh, weights)
        fresh.to(method.device)

    state = sum(t.numel() * t.element_size() for t in method.state_dict().values() if torch.is_tensor(t))
    return {
        "load_ms": load_time(build, method.device),
        "weights_mb": (_file_size(weights) if weights else state) / 2**20,
        "weights_of": f"{weights.source} file" if weights else "state dict",
        "weights_problem": problem,
    }


def _file_size(weights: Weights) -> int:
    return sum(path.stat().st_size for path in weights.files or filter(None, [weights.path]))


def _growth(
    counts: dict[str, dict[str, int]],
    timed: dict[str, dict[str, float]],
    memory: dict[str, dict[str, Any] | None],
) -> dict[str, float | None]:
    """Return the exponent of growth of each cost with the number of pixels."""
    return {
        "macs": exponent({size: count["all"] for size, count in counts.items()}),
        "latency": exponent({size: measured["median"] for size, measured in timed.items()}),
        "memory": exponent({size: measured["added"] for size, measured in memory.items() if measured}),
    }


def exponent(costs: Mapping[str, float]) -> float | None:
    """Return e of cost = c * pixels ** e, fitted by least squares to logarithms; keys are sizes such as "640x480".

    e is 1 for costs linear in the pixels, and 2 for plain attention over all pixels. None with fewer than two different
    numbers of pixels with a positive cost.
    """
    points = [(math.log(_pixels(size)), math.log(cost)) for size, cost in costs.items() if cost > 0]
    if len({x for x, _ in points}) < 2:
        return None
    mean_x, mean_y = (math.fsum(axis) / len(points) for axis in zip(*points, strict=True))
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points)
    return slope / math.fsum((x - mean_x) ** 2 for x, _ in points)


def _pixels(size: str) -> int:
    width, height = size.split("x")
    return int(width) * int(height)
