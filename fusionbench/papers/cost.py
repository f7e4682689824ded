"""Size and cost of methods as their own papers print them, in the units of ``fusionbench profile``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusionbench.papers.printed import Number, Paper, called, papers, plain

PIXELS = {"MSRS": "640x480", "M3FD": "1024x768"}  # image sizes of times "on a data set"
# name in the papers' tables -> quantity of ``profile``, and the factor to its unit
QUANTITIES = {
    "params_M": ("params", 1e6),
    "params_K": ("params", 1e3),
    "params": ("params", 1),
    "FLOPs_G": ("macs", 1e9),
    "GFLOPs": ("macs", 1e9),
    "time_ms": ("latency_ms", 1),
    "ms": ("latency_ms", 1),
    "load_ms": ("load_ms", 1),
    "mem_MB": ("peak_memory_mb", 1),
    "peak_mem_MB": ("peak_memory_mb", 1),
    "size_MB": ("weights_mb", 1),
}
SIZED = ("macs", "latency_ms", "peak_memory_mb")


@dataclass(frozen=True)
class PrintedCost:
    """One printed number for images of ``size`` (WIDTHxHEIGHT, empty if irrelevant); ``half`` is half a unit of its last digit."""

    quantity: str
    size: str
    value: float
    half: float
    text: str
    table: str
    note: str


def printed_costs(method: str) -> list[PrintedCost]:
    """Return the costs that a method's own paper prints, or those of a variant ("lsnf@wo_cbam") in its ablations."""
    name, _, variant = method.partition("@")
    printed: dict[tuple[str, str, float], PrintedCost] = {}
    for paper in papers().values():
        for number in paper.numbers:
            if not (number.own_method and called(paper, number) == plain(name)):
                continue
            if _variant(paper, number) == variant and (cost := _printed(number)):
                printed.setdefault((cost.quantity, cost.size, cost.value), cost)  # a paper repeats numbers
    return list(printed.values())


def _variant(paper: Paper, number: Number) -> str | None:
    """Return the variant of a printed row, an empty text for the method itself, None for neither."""
    if number.kind == "complexity" or not number.setting:  # the setting of a cost is an image size
        return ""
    return paper.settings.get(number.setting)


def _printed(number: Number) -> PrintedCost | None:
    name, _, side = number.metric.partition("@")
    dataset, _, rest = name.partition("_")
    size = PIXELS.get(dataset, f"{side}x{side}" if side else "")
    quantity, factor = QUANTITIES.get(rest if dataset in PIXELS else name, (None, 0))
    if quantity is None:  # ranks and metrics of quality
        return None
    if quantity in SIZED and not size:
        sizes = re.findall(r"\b\d+x\d+\b", f"{number.setting} {number.note}")
        if not sizes:  # without a size nothing can be measured for comparison
            return None
        size = sizes[0]
    return PrintedCost(
        quantity, size, number.number * factor, factor * 10.0**-number.decimals / 2, number.value,
        f"Table {number.table}", number.note,
    )  # fmt: skip


def costs_beside(method: str, row: Mapping[str, Any], expect: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each printed number beside the measured one.

    ``gap`` is measured / printed - 1. ``within`` says, for parameters and MACs, whether the gap is inside the bound in the
    method's card (``expect``) or explained by rounding; it is None for quantities that depend on hardware and for sizes
    that were not measured.
    """
    return [_compared(cost, row, expect) for cost in printed_costs(method)]


def _compared(cost: PrintedCost, row: Mapping[str, Any], expect: Mapping[str, Any]) -> dict[str, Any]:
    measured = _measured(cost, row)
    gap = None if measured is None else measured / cost.value - 1
    bound = {
        "params": expect.get("parameters_tolerance", 0.01),
        "macs": expect.get("macs_tolerance", 0.02),
    }.get(cost.quantity)
    within = None
    if bound is not None and measured is not None:
        within = abs(measured - cost.value) <= max(bound * cost.value, cost.half)
    return {
        "quantity": cost.quantity, "size": cost.size, "printed": cost.value, "text": cost.text,
        "measured": measured, "gap": gap, "bound": bound, "within": within, "where": cost.table, "note": cost.note,
    }  # fmt: skip


def _measured(cost: PrintedCost, row: Mapping[str, Any]) -> float | None:
    measured = row.get(cost.quantity)
    if isinstance(measured, Mapping):
        measured = measured.get(cost.size)
    return measured["median"] if isinstance(measured, Mapping) else measured
