"""Finding the convention behind a printed number by scoring an image with every known definition of a metric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from fusionbench.metrics.inputs import Sources, StoredImages
from fusionbench.metrics.libraries import LibraryCall, libraries_of
from fusionbench.metrics.profiles import profiles
from fusionbench.metrics.registry import CANONICAL, Definition, definitions
from fusionbench.metrics.scoring import Score, score_definitions, sources, stored

Combination = Literal["", "sum", "mean", "a", "b"]


class Convention(NamedTuple):
    """A definition and the profiles that use it; the conversion to grey is that of the first profile.

    ``combination`` is how the values of the two sources become one if that differs from the definition: their "sum" or
    "mean", or the value of source "a" or "b" alone. It is empty for the definition's own way.
    """

    definition: Definition
    profiles: tuple[str, ...]
    combination: Combination = ""

    @property
    def scored_as(self) -> str:
        return self.profiles[0] if self.profiles else CANONICAL

    @property
    def libraries(self) -> tuple[LibraryCall, ...]:
        """The calls of other libraries that compute this definition."""
        return libraries_of(self.definition.metric, self.definition.name)


class ConventionMatch(NamedTuple):
    """The score by one convention, its absolute distance to the printed number, and whether it rounds to that number."""

    convention: Convention
    score: Score
    distance: float | None
    prints_alike: bool


def conventions(metric: str) -> Iterator[Convention]:
    """Yield the conventions of a metric, one for each definition and conversion to grey, each combined as defined."""
    for definition in definitions(metric).values():
        by_gray: dict[str, list[str]] = {}
        for profile in profiles().values():
            if profile.metrics.get(metric) == definition.name:
                by_gray.setdefault(profile.gray, []).append(profile.name)
        for names in by_gray.values() or [[]]:
            yield Convention(definition, tuple(names))


def explain(
    metric: str, number: str, a: np.ndarray, b: np.ndarray, fused: np.ndarray
) -> list[ConventionMatch]:
    """Return every convention of a metric, sorted by its distance to a printed number, undefined ones last.

    ``number`` is a decimal number as printed; a convention prints alike if its value rounds to the number with as many
    digits. A metric that is a sum or mean over the sources is also combined in the other ways. The images are uint8
    [H, W] or [H, W, 3]. Raises RequestError as `score` does.
    """
    return ranked_conventions(scored_conventions(metric, a, b, fused), number)


def scored_conventions(
    metric: str, a: np.ndarray, b: np.ndarray, fused: np.ndarray
) -> list[tuple[Convention, Score]]:
    """Return the score of three images by each convention of a metric."""
    both, image = sources(a, b), stored("fused", fused)
    pairs = {"": both, "a": Sources(both.a, both.a), "b": Sources(both.b, both.b)}
    return [
        (convention._replace(combination=combination), score)
        for convention in conventions(metric)
        for combination, score in scores(convention, pairs, image).items()
    ]


def ranked_conventions(scored: list[tuple[Convention, Score]], number: str) -> list[ConventionMatch]:
    """Return scored conventions sorted by their distance to a printed number."""
    findings = merged_conventions([_finding(convention, score, number) for convention, score in scored])
    return sorted(findings, key=lambda finding: (finding.distance is None, finding.distance or 0.0))


def scores(
    convention: Convention, pairs: dict[str, Sources], fused: StoredImages
) -> dict[Combination, Score]:
    """Return the score by each combination of the sources that the definition allows and that has a value.

    The definition's own combination, "", is always included. ``pairs`` are the two sources under "", and each source
    taken twice under "a" and "b": the sum or mean of two equal values gives the value of that source alone.
    """
    definition, profile = convention.definition, convention.scored_as

    def scored(which: str) -> Score:
        return score_definitions(pairs[which], fused, [definition], profile)[0]

    own = scored("")
    result: dict[Combination, Score] = {"": own}
    if not definition.combined:
        return result
    other: Combination
    half, other = (0.5, "mean") if definition.combined == "sum" else (1.0, "sum")
    factor = 0.5 if definition.combined == "sum" else 2.0
    others: dict[Combination, Score] = {
        other: _times(own, factor),
        "a": _times(scored("a"), half),
        "b": _times(scored("b"), half),
    }
    return result | {which: score for which, score in others.items() if score.value is not None}


def _times(score: Score, factor: float) -> Score:
    return score if score.value is None else score._replace(value=score.value * factor)


def _finding(convention: Convention, score: Score, number: str) -> ConventionMatch:
    if score.value is None:
        return ConventionMatch(convention, score, None, False)
    distance = abs(score.value - float(number))
    # half a unit of the last printed digit; the factor admits values on the very edge, which either rounding rule prints
    return ConventionMatch(
        convention, score, distance, distance <= 0.5 * 10.0 ** -decimals(number) * (1 + 1e-9)
    )


def merged_conventions(findings: list[ConventionMatch]) -> list[ConventionMatch]:
    """Join conventions of one definition that give the same score, because their conversions to grey agree here."""
    kept: dict[tuple[str, str, Score], ConventionMatch] = {}
    for finding in findings:
        convention = finding.convention
        key = (convention.definition.name, convention.combination, finding.score)
        if key in kept:
            names = (*kept[key].convention.profiles, *convention.profiles)
            convention = convention._replace(profiles=names)
        kept[key] = finding._replace(convention=convention)
    return list(kept.values())


def decimals(number: str) -> int:
    """Return the number of decimal places of a printed number: 4 for 0.7042, -1 for 1.3e2 (its last digit is a ten)."""
    mantissa, _, exponent = number.lower().partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)
