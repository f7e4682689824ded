"""Image-fusion metrics on integer levels 0..255, computed in float64.

Descriptions of metrics and profiles (`cards`, `definitions`, `profiles`, `resolve`) are available without torch;
`compute` and `score` load it on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fusionbench.metrics.field_profiles import Profile
from fusionbench.metrics.profiles import definition_of, profile_of, profiles, resolve, resolve_profile
from fusionbench.metrics.registry import (
    CANONICAL,
    DEFAULT,
    Definition,
    MetricCard,
    cards,
    definition,
    definitions,
    metric,
)

if TYPE_CHECKING:
    from fusionbench.metrics.scoring import (  # noqa: F401  resolved below on first use
        Score,
        Sources,
        compute,
        score,
        score_definitions,
        score_fused,
        sources,
    )

_SCORING = ("Score", "Sources", "compute", "score", "score_definitions", "score_fused", "sources")
__all__ = [
    "CANONICAL",
    "DEFAULT",
    "Definition",
    "MetricCard",
    "Profile",
    "cards",
    "definition",
    "definition_of",
    "definitions",
    "metric",
    "profile_of",
    "profiles",
    "resolve",
    "resolve_profile",
    *_SCORING,
]


def __getattr__(name: str) -> object:
    if name not in _SCORING:
        raise AttributeError(f"module 'fusionbench.metrics' has no attribute '{name}'")
    return getattr(import_module("fusionbench.metrics.scoring"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
