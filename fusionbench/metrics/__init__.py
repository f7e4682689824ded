"""Image-fusion metrics on integer 0..255 luma, in float64.

What metrics say of themselves (`cards`, `resolve`, `resolve_profile`) is read without torch; `compute` and
`score` load it on first use.
"""

from importlib import import_module

from fusionbench.metrics.registry import (
    DEFAULT,
    PROFILES,
    MetricCard,
    cards,
    metric,
    resolve,
    resolve_profile,
)

_SCORING = ("Score", "Sources", "compute", "score", "score_fused", "sources")
__all__ = ["DEFAULT", "PROFILES", "MetricCard", "cards", "metric", "resolve", "resolve_profile", *_SCORING]


def __getattr__(name: str) -> object:
    if name not in _SCORING:
        raise AttributeError(f"module 'fusionbench.metrics' has no attribute '{name}'")
    return getattr(import_module("fusionbench.metrics.scoring"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
