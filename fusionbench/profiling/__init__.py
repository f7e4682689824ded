"""Size and cost of a method: parameters, multiply-accumulates, latency, memory, and their growth with image size."""

from __future__ import annotations

from fusionbench.profiling.counts import example, macs, parameter_count
from fusionbench.profiling.measure import Budget, exponent, profile
from fusionbench.profiling.memory import peak_memory
from fusionbench.profiling.timing import latency, load_time

__all__ = [
    "Budget", "example", "exponent", "latency", "load_time", "macs", "parameter_count", "peak_memory", "profile",
]  # fmt: skip
