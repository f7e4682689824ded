"""Profiles: for each metric the one definition by which a group of published tables was computed."""

from __future__ import annotations

from collections.abc import Iterable

from fusionbench.errors import RequestError
from fusionbench.metrics.field_profiles import PROFILES, Profile
from fusionbench.metrics.own_files import is_file
from fusionbench.metrics.registry import (
    CANONICAL,
    DEFAULT,
    Definition,
    card_of,
    cards,
    definitions,
    metric_named,
    metrics_of_file,
)
from fusionbench.spelling import spelled


def profiles() -> dict[str, Profile]:
    """Return the profiles by name, the canonical one first."""
    canonical = Profile(
        name=CANONICAL,
        title="one stated definition per metric",
        source="docs/metrics.md",
        gray="bt601",
        metrics=dict.fromkeys(cards(), CANONICAL),
    )
    return {profile.name: profile for profile in (canonical, *PROFILES)}


def profile_of(name: str) -> Profile:
    """Return a profile by name; case is ignored, hyphens equal underscores. Raises UnknownNameError for other names."""
    known = profiles()
    return known[spelled(name, known, "profile")]


def resolve_profile(name: str) -> str:
    """Return a profile's name as it is stored in records. Raises UnknownNameError for an unknown one."""
    return profile_of(name).name


def definition_of(metric: str, profile: str = CANONICAL) -> Definition:
    """Return the definition of a metric in a profile. Raises RequestError if the profile does not have the metric."""
    chosen = profile_of(profile)
    if metric not in chosen.metrics:
        have = ", ".join(chosen.metrics)
        raise RequestError(f"Profile '{chosen.name}' defines no {metric}: use one of {have}.")
    return definitions(metric)[chosen.metrics[metric]]


def resolve(names: str | Iterable[str] | None = None, profile: str = CANONICAL) -> list[str]:
    """Return metric names as their cards spell them, each once, in the given order.

    A string is split at commas. Case is ignored, and hyphens equal underscores. None and "default" stand for the default
    set, or for "all" if the profile lacks one of that set. "all" stands for all metrics of the profile that need no file
    of weights; the others must be named. The path of a Python file stands for the metrics in it.

    Raises UnknownNameError for unknown names, PluginError for files that cannot be read, and RequestError for metrics
    that the profile does not have or if no name is left.
    """
    known = profile_of(profile).metrics
    weightless = [name for name in known if not card_of(name).weights]
    asked = ["default"] if names is None else names.split(",") if isinstance(names, str) else list(names)
    chosen: list[str] = []
    for name in filter(None, (text.strip() for text in asked)):
        if is_file(name):
            chosen += metrics_of_file(name)
            known = profile_of(profile).metrics
            for added in chosen:
                definition_of(added, profile)
        elif name.lower() == "default":
            chosen += DEFAULT if known.keys() >= set(DEFAULT) else weightless
        elif name.lower() == "all":
            chosen += weightless
        else:
            # a text is what a user typed, so names with two providers are reported; a list may have been resolved before
            known_name = metric_named(name) if isinstance(names, str) else spelled(name, cards(), "metric")
            chosen.append(known_name)
            definition_of(chosen[-1], profile)
    if not chosen:
        raise RequestError(f"No metric is asked for: name some of {', '.join(known)}.")
    return list(dict.fromkeys(chosen))
