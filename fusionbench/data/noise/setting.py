"""The notation for noise on sources, used in sweeps, on the command line and in the names of rows.

``gaussian=25`` is that noise on both sources, ``a.stripe=5,b.gaussian=25`` a different one on each; without ``=`` a
kind has its default variance. Importing this module does not load NumPy; `fusionbench.data.noise.adding` adds the noise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fusionbench.errors import RequestError, UnknownNameError

# default variances in squared grey levels 0..255, see `fusionbench.data.noise.adding`
VARIANCES: Mapping[str, float] = {"stripe": 5.0, "gaussian": 25.0, "gaussian-poisson": 25.0}
CLEAN = "none"
_PART = re.compile(r"(?:(?P<source>[ab])\.)?(?P<kind>[a-z][a-z-]*)(?:=(?P<variance>[^=]+))?")


class Noise(NamedTuple):
    """One kind of noise and its variance in squared grey levels 0..255."""

    kind: str
    variance: float

    def __str__(self) -> str:
        return f"{self.kind}={self.variance:g}"


@dataclass(frozen=True)
class SourceNoise:
    """The noise on each source of every pair; None leaves a source unchanged."""

    a: Noise | None
    b: Noise | None

    def __str__(self) -> str:
        """Return the notation that `read_noise` reads, with + instead of commas, because it is part of file names."""
        if self.a == self.b:
            return str(self.a)
        return "+".join(f"{source}.{noise}" for source, noise in self.by_source())

    def by_source(self) -> Iterator[tuple[str, Noise]]:
        """Yield the source ("a" or "b") and its noise for each source that has noise."""
        yield from ((name, noise) for name, noise in (("a", self.a), ("b", self.b)) if noise is not None)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return the form stored in a cell's identity."""
        return {source: noise._asdict() for source, noise in self.by_source()}


def noise_from(identity: Mapping[str, Any]) -> SourceNoise | None:
    """Return the noise in a cell's identity, None without noise."""
    stored = identity.get("noise")
    return (
        SourceNoise(*(Noise(**stored[name]) if name in stored else None for name in "ab")) if stored else None
    )


def read_noise(text: str) -> SourceNoise | None:
    """Return the noise that a text describes, None for "none".

    Raises UnknownNameError for an unknown kind, RequestError for any other error in the text.
    """
    if text.strip().lower() == CLEAN:
        return None
    by_source: dict[str, Noise] = {}
    for part in re.split(r"[,+]", text):
        matched = _PART.fullmatch(part.strip().lower().replace("_", "-"))
        if matched is None:
            raise RequestError(
                f"Noise '{text}' is unclear: write none, gaussian=25 or a.stripe=5,b.gaussian=25."
            )
        noise = Noise(_kind(matched["kind"]), _variance(matched["variance"], matched["kind"], text))
        for source in matched["source"] or "ab":
            if source in by_source:
                raise RequestError(f"Noise '{text}' names source {source} twice: give it one kind.")
            by_source[source] = noise
    return SourceNoise(by_source.get("a"), by_source.get("b"))


def spread_noise(texts: Sequence[str], strengths: Sequence[float]) -> list[SourceNoise | None]:
    """Return each described noise once, with each of the strengths (variances) if its text states none.

    Raises as `read_noise`.
    """
    open_texts = {text for text in texts if "=" not in text and text.strip().lower() != CLEAN}
    settings = []
    for text in texts:
        if text in open_texts and strengths:
            parts = re.split(r"[,+]", text)
            settings += [read_noise(",".join(f"{part}={value:g}" for part in parts)) for value in strengths]
        else:
            settings.append(read_noise(text))
    return list(dict.fromkeys(settings))


def _kind(kind: str) -> str:
    if kind not in VARIANCES:
        raise UnknownNameError("kind of noise", kind, VARIANCES)
    return kind


def _variance(text: str | None, kind: str, whole: str) -> float:
    if text is None:
        return VARIANCES[kind]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise RequestError(
            f"The variance '{text}' of noise '{whole}' is not valid: give a number above 0, in squared grey levels."
        )
    return value
