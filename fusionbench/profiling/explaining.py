"""Search of the counting rule behind a printed cost: the rules of several tools, applied to the same network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from fusionbench.errors import RequestError

UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
PLAIN = {"conv": 1.0, "conv_function": 1.0, "transposed": 1.0, "linear": 1.0}
BIASES = {"conv_bias": 1.0, "transposed_bias": 1.0, "linear_bias": 1.0}


class CountingRule(NamedTuple):
    """The counting rule of a tool: a factor for each kind of work of `fusionbench.profiling.work`."""

    tool: str
    unit: str
    factors: dict[str, float]
    text: str


RULES = (
    CountingRule("fusionbench", "MACs", PLAIN, "convolutions and linear layers, without biases"),
    CountingRule(
        "fusionbench",
        "MACs",
        {**PLAIN, "matmul": 1.0, "attention": 1.0},
        "convolutions, linear layers and all matrix products, attention among them",
    ),
    CountingRule(
        "fvcore 0.1.5",
        "MACs",
        {**PLAIN, "matmul": 1.0, "batch_norm": 2.0, "layer_norm": 5.0, "group_norm": 5.0, "bilinear": 4.0},
        "matrix products, norms and bilinear resizing too, no biases; scaled_dot_product_attention is 0",
    ),
    CountingRule(
        "thop 0.1.1",
        "MACs",
        {
            "conv": 1.0,
            "transposed_by_output": 1.0,
            "linear": 1.0,
            "batch_norm": 4.0,
            "layer_norm": 4.0,
        },
        "layers only, no biases: convolutions by functions, matrix products and attention are 0; a transposed convolution "
        "counts as if every output saw the whole kernel",
    ),
    CountingRule(
        "ptflops 0.7.5",
        "MACs",
        {"conv": 1.0, "transposed": 1.0, "linear": 1.0, **BIASES},
        "biases too; matrix products written as @ and attention are 0",
    ),
    CountingRule(
        "torchinfo 1.8.0",
        "MACs",
        {
            "conv": 1.0,
            "conv_bias": 1.0,
            "transposed_by_output": 1.0,
            "transposed_bias": 1.0,
            "linear_per_image": 1.0,
        },
        "biases too; a linear layer counts once an image however many tokens it sees; convolutions by functions, matrix "
        "products and attention are 0",
    ),
    CountingRule(
        "calflops 0.3.2",
        "MACs",
        PLAIN,
        "convolutions and linear layers, without biases; matrix products written as @ and attention are 0",
    ),
    CountingRule(
        "calflops 0.3.2",
        "FLOPs",
        {
            **dict.fromkeys(PLAIN, 2.0),
            "conv_bias": 1.0,
            "conv_function_bias": 1.0,
            "transposed_bias": 1.0,
        },
        "two a multiply-accumulate, and one an addition of a convolution's bias",
    ),
    CountingRule(
        "PyTorch's FlopCounterMode on a CPU",
        "FLOPs",
        {**dict.fromkeys(PLAIN, 2.0), "matmul": 2.0},
        "two a multiply-accumulate, matrix products too, no biases; attention is 0 on a CPU",
    ),
)


class CountFinding(NamedTuple):
    """The value of a counting rule, its distance to the printed number, and whether it rounds to that number."""

    tool: str
    unit: str
    text: str
    value: float
    distance: float
    prints_alike: bool


def explain_cost(number: str, network: nn.Module, work: Counter[str]) -> list[CountFinding]:
    """Return all counting rules, sorted by the distance of their values to a printed number such as "12.73G" or "57344".

    Raises RequestError if ``number`` is not a number.
    """
    target, tolerance = parsed_number(number)
    findings = [
        CountFinding(tool, unit, text, value, abs(value - target), abs(value - target) <= tolerance)
        for tool, unit, text, value in (*_operations(work), *_parameters(network))
    ]
    return sorted(findings, key=lambda finding: finding.distance)


def parsed_number(number: str) -> tuple[float, float]:
    """Return the value of a number with or without a suffix k, M, G or T, and half a unit of its last digit."""
    match = re.fullmatch(r"\s*(\d+(?:\.(\d+))?(?:e([+-]?\d+))?)\s*([kmgt]?)\s*", number.lower())
    if not match:
        raise RequestError(f"'{number}' is not a cost: write a number like 57344, 12.73G or 2.21M.")
    value, decimals, exponent, unit = match.groups()
    scale = UNITS[unit]
    return float(value) * scale, 0.5 * 10.0 ** (int(exponent or 0) - len(decimals or "")) * scale * (1 + 1e-9)


def _operations(work: Counter[str]) -> Iterator[tuple[str, str, str, float]]:
    """Yield the count of each rule, and for MACs also twice the count, the usual number of FLOPs."""
    for rule in RULES:
        value = sum(factor * work[kind] for kind, factor in rule.factors.items())
        yield rule.tool, rule.unit, rule.text, value
        if rule.unit == "MACs":
            yield rule.tool, "FLOPs", f"twice its MACs: {rule.text}", 2 * value


def _parameters(network: nn.Module) -> Iterator[tuple[str, str, str, float]]:
    parameters = dict(network.named_parameters())
    whole = sum(p.numel() for p in parameters.values())
    yield "fusionbench", "parameters", "all parameters, each once", whole
    trainable = sum(p.numel() for p in parameters.values() if p.requires_grad)
    if trainable != whole:
        yield "fusionbench", "parameters", "those that are trained", trainable
    weights = sum(p.numel() for name, p in parameters.items() if not name.endswith("bias"))
    yield "fusionbench", "parameters", "without biases", weights
    buffers = sum(buffer.numel() for buffer in network.buffers())
    if buffers:
        yield (
            "fusionbench",
            "parameters",
            "parameters and buffers, as in the file of weights",
            whole + buffers,
        )


def nearest_rule_sentence(number: str, findings: list[CountFinding], work: Counter[str]) -> str:
    """Return a sentence on the nearest counting rule, and on the work beyond convolutions and linear layers."""
    nearest = findings[0]
    alike = [f"{finding.tool} ({finding.unit})" for finding in findings if finding.prints_alike]
    said = (
        f"{number} is given by: {', '.join(dict.fromkeys(alike))}."
        if alike
        else f"No known way to count gives {number} to its digits; the nearest, {nearest.tool} ({nearest.unit}), gives "
        f"{nearest.value:,.0f}."
    )
    return said if nearest.unit == "parameters" else f"{said} {_beyond(work)}"


def _beyond(work: Counter[str]) -> str:
    """Return a sentence on biases, matrix products and attention as shares of convolutions and linear layers."""
    whole = sum(work[kind] for kind in PLAIN)
    if not whole:
        return "The network has neither convolutions nor linear layers."
    parts = {
        "biases": sum(work[kind] for kind in (*BIASES, "conv_function_bias")),
        "other matrix products": work["matmul"],
        "attention": work["attention"],
        "convolutions by functions": work["conv_function"],
    }
    shares = ", ".join(f"{name} {count / whole:.1%}" for name, count in parts.items() if count)
    return f"Of convolutions and linear layers, {shares}." if shares else "There is nothing else to count."
