"""Find the convention behind a printed number: score an image by every known definition of a metric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fusionbench.metrics.profiles import profiles
from fusionbench.metrics.registry import CANONICAL, Definition, definitions
from fusionbench.metrics.scoring import Score, score_definitions, sources


class Convention(NamedTuple):
    """A definition with the profiles that score by it; of several, the first one's way to gray is used."""

    definition: Definition
    profiles: tuple[str, ...]

    @property
    def scored_as(self) -> str:
        return self.profiles[0] if self.profiles else CANONICAL


class Finding(NamedTuple):
    """What a convention gives, how far that is from the number asked for, and whether it prints as that number."""

    convention: Convention
    score: Score
    distance: float | None
    prints_alike: bool


def conventions(metric: str) -> Iterator[Convention]:
    """Yield all conventions of a metric, one for each definition and way to gray."""
    for definition in definitions(metric).values():
        by_gray: dict[str, list[str]] = {}
        for profile in profiles().values():
            if profile.metrics.get(metric) == definition.name:
                by_gray.setdefault(profile.gray, []).append(profile.name)
        for names in by_gray.values() or [[]]:
            yield Convention(definition, tuple(names))


def explain(metric: str, number: str, a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> list[Finding]:
    """Return every convention of a metric by its distance to a printed number, the undefined ones last.

    ``number`` is a decimal number as printed: a convention prints alike if rounding to its digits gives it. The
    images are uint8 [H, W] or [H, W, 3]. Raises RequestError as `score` does.
    """
    pair, target, digits = sources(a, b), float(number), decimals(number)
    found = []
    for convention in conventions(metric):
        (score,) = score_definitions(pair, fused, [convention.definition], convention.scored_as)
        distance = None if score.value is None else abs(score.value - target)
        alike = distance is not None and distance <= 0.5 * 10.0**-digits * (1 + 1e-9)
        found.append(Finding(convention, score, distance, alike))
    return sorted(merged(found), key=lambda finding: (finding.distance is None, finding.distance or 0.0))


def merged(found: list[Finding]) -> list[Finding]:
    """Join the conventions of one definition whose ways to gray make no difference to these images."""
    kept: dict[tuple[str, Score], Finding] = {}
    for finding in found:
        key = (finding.convention.definition.name, finding.score)
        names = (*kept[key].convention.profiles, *finding.convention.profiles) if key in kept else None
        convention = finding.convention if names is None else finding.convention._replace(profiles=names)
        kept[key] = finding._replace(convention=convention)
    return list(kept.values())


def decimals(number: str) -> int:
    """Return how many decimal places a printed number has: 4 for 0.7042, -1 for 1.3e2."""
    mantissa, _, exponent = number.lower().partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)
