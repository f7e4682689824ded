"""Matching file names of fused images with ids of pairs: one common addition is tolerated, ambiguity is an error."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fusionbench.errors import FEW


class Affix(NamedTuple):
    """The parts of a name before and after its core."""

    before: str = ""
    after: str = ""

    def core(self, name: str) -> str:
        """Return the core of a name that has this affix."""
        return name[len(self.before) : len(name) - len(self.after)]


@dataclass(frozen=True)
class NameMatch:
    """The stem of each id, or ``conflicts``, one sentence each, if more than one reading is possible.

    ``others`` are stems that belong to no id. ``hint`` says why a name that looks right was not accepted.
    """

    stems: dict[str, str]
    others: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    hint: str = ""


def match_names(ids: Collection[str], known: Collection[str], stems: Collection[str]) -> NameMatch:
    """Return the stem of each id.

    If every id has a stem equal to it, these are taken. Otherwise all stems must be an id with one and the same addition,
    separated by a character that is neither letter nor digit (``00537D_fused``, ``DSIFuse-00537D``); words that all ids
    share may be absent (``00006`` for ``FLIR_00006``). ``known`` are the ids of all pairs of the data set, of which
    ``ids`` may be the first few: they prevent that ``01_2_fused`` is read as ``01`` with an addition.
    """
    known = list(dict.fromkeys([*ids, *known]))
    exact = {name: name for name in known if name in stems}
    if all(name in exact for name in ids):
        return _taken(exact, ids, stems)
    readings = [exact, *_readings(known, stems)]
    whole = [reading for reading in readings if len(reading) == len(known)]
    # a reading that explains all pairs is preferred to those that explain some, but not to equal names
    conflicts = _conflicts(readings if exact or not whole else whole)
    if conflicts:
        return NameMatch({}, conflicts=conflicts)
    best = max(readings, key=len)
    missing = [name for name in ids if name not in best]
    free = set(stems) - set(best.values())
    candidates = {name: _candidates(name, free) for name in missing[:FEW]}
    doubles = tuple(_double(name, matching) for name, matching in candidates.items() if len(matching) > 1)
    if doubles:
        return NameMatch({}, conflicts=doubles)
    return _taken(best, ids, stems, _hint(candidates, stems))


def _taken(reading: dict[str, str], ids: Iterable[str], stems: Iterable[str], hint: str = "") -> NameMatch:
    used = set(reading.values())
    others = tuple(stem for stem in stems if stem not in used)
    return NameMatch({name: reading[name] for name in ids if name in reading}, others, hint=hint)


def _readings(ids: list[str], stems: Collection[str]) -> list[dict[str, str]]:
    """Return every distinct reading of all stems as ids with one addition, each as stems by id."""
    consistent: list[dict[str, str]] = []
    for affix in _affixes(stems):
        cores = {affix.core(stem): stem for stem in stems}
        for absent in (Affix(), *_absent_from(ids)):
            reading = {name: cores[absent.core(name)] for name in ids if absent.core(name) in cores}
            if reading and reading not in consistent:
                consistent.append(reading)
    return consistent


def _absent_from(ids: Collection[str]) -> Iterator[Affix]:
    """Yield the affixes that stems may lack: words that all ids share, but no numbers, which may identify a scene."""
    if len(ids) > 1:
        for affix in _affixes(ids)[1:]:
            if not any(word.isdecimal() for part in affix for word in re.split(r"[\W_]+", part)):
                yield affix


def _affixes(names: Collection[str]) -> list[Affix]:
    """Return the delimited affixes that all names share and that leave a core of each, the empty affix first."""
    start = _common_start(names)
    end = _common_start([name[::-1] for name in names])[::-1]
    before = ["", *(start[: i + 1] for i, char in enumerate(start) if not char.isalnum())]
    after = ["", *(end[i:] for i, char in enumerate(end) if not char.isalnum())]
    shortest = min(map(len, names), default=0)
    return [Affix(b, a) for b in before for a in after if len(b) + len(a) < shortest]


def _common_start(names: Collection[str]) -> str:
    # in sorted order all names are between these two, so what both share is shared by all
    first, last = min(names, default=""), max(names, default="")
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((i for i, (x, y) in pairs if x != y), len(first))]


def _conflicts(readings: Iterable[dict[str, str]]) -> tuple[str, ...]:
    """Return a sentence for each id with two stems and each stem with two ids."""
    claims = dict.fromkeys(claim for reading in readings for claim in reading.items())
    by_id: dict[str, list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for name, stem in claims:
        by_id.setdefault(name, []).append(stem)
        by_stem.setdefault(stem, []).append(name)
    doubles = (_double(name, stems) for name, stems in by_id.items() if len(stems) > 1)
    shared = (
        f"'{stem}' could be the fused image of '{names[0]}' and of '{names[1]}': name each file after its pair."
        for stem, names in by_stem.items()
        if len(names) > 1
    )
    return (*doubles, *shared)


def _double(name: str, stems: list[str]) -> str:
    return f"'{stems[0]}' and '{stems[1]}' could both be the fused image of '{name}': keep one of them."


def _candidates(name: str, stems: Iterable[str]) -> list[str]:
    """Return the stems that contain an id between delimiters."""
    return sorted(stem for stem in stems if _around(name, stem) is not None)


def _around(name: str, stem: str) -> Affix | None:
    start = stem.find(name)
    while start >= 0:
        before, after = stem[:start], stem[start + len(name) :]
        if not before[-1:].isalnum() and not after[:1].isalnum():
            return Affix(before, after)
        start = stem.find(name, start + 1)
    return None


def _hint(candidates: dict[str, list[str]], stems: Iterable[str]) -> str:
    """Return a sentence naming a file without the addition that the others have, empty if there is none."""
    for name, matching in candidates.items():
        for stem in matching:
            around = _around(name, stem)
            if around is None:
                continue
            before, after = around
            odd = next((s for s in stems if not (s.startswith(before) and s.endswith(after))), None)
            if odd is not None:
                added = " and ".join(f"'{part}'" for part in (before, after) if part)
                return f"'{stem}' is not used for '{name}' because '{odd}' lacks {added}: name all files in the same way"
    return ""
