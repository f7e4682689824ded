"""Pairing the names in two folders: equal names, or names with one addition per folder (``00001_ir``, ``VIS7``)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

_MARKS = re.compile(r"^\W+|^_+|[\W_]+$")
# names that are compared, because a folder can have many thousands and several readings
_SAMPLE = 200
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")


@dataclass(frozen=True)
class _Reading:
    """The names of a folder with the same tokens removed from all of them; ``names`` are by their remainders."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    names: dict[str, str]

    @property
    def taken_off(self) -> int:
        return len(self.before) + len(self.after)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The numbers that were removed; they must agree in both folders, because they may identify a scene."""
        return tuple(token for token in (*self.before, *self.after) if token.isdecimal())


def pair_names(a: Collection[str], b: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the names of partners by the id of their pair, in the order of ``a``.

    If any name is in both folders, partners have equal names, which are the ids. Otherwise each folder may have one
    addition before and one after, of words or marks that all its names share; the reading that removes the fewest tokens
    is taken, and the remainder is the id. The result is empty if there is no such reading, or if two of them pair the
    names differently.
    """
    known = frozenset(b)
    equal = {name: (name, name) for name in a if name in known}
    if equal or not a or not b:
        return equal
    alike = [
        (here, there) for here, there in product(_readings(a), _readings(b)) if here.numbers == there.numbers
    ]
    whole = [(here, there) for here, there in alike if here.names.keys() == there.names.keys()]
    return _least(whole or [both for both in alike if _mostly_matches(*both)])


def _mostly_matches(a: _Reading, b: _Reading) -> bool:
    """Tell whether more than half of the names in the smaller folder have partners, judged by an even sample."""
    few, many = sorted((a.names, b.names), key=len)
    step = -(-len(few) // _SAMPLE)
    sample = list(few)[::step]
    return 2 * sum(core in many for core in sample) > len(sample)


def _least(readings: list[tuple[_Reading, _Reading]]) -> dict[str, tuple[str, str]]:
    """Return the pairs of the readings that remove the fewest tokens if these agree, else nothing."""
    least = min((here.taken_off + there.taken_off for here, there in readings), default=0)
    readings_as_pairs = [
        {core: (name, there.names[core]) for core, name in here.names.items() if core in there.names}
        for here, there in readings
        if here.taken_off + there.taken_off == least
    ]
    agree = len({frozenset(pairs.values()) for pairs in readings_as_pairs}) == 1
    return _without_marks(readings_as_pairs[0]) if agree else {}


def _without_marks(pairs: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return the pairs with separators removed from the ends of ids, unless that makes two ids equal."""
    bare = {_MARKS.sub("", core) or core: both for core, both in pairs.items()}
    return bare if len(bare) == len(pairs) else pairs


def _readings(names: Collection[str]) -> Iterator[_Reading]:
    """Yield every way of removing the same tokens from all names that leaves something of each."""
    tokens = {name: _TOKEN.findall(name) for name in names}
    starts = _common([*tokens.values()])
    ends = _common([parts[::-1] for parts in tokens.values()])
    shortest = min(map(len, tokens.values()))
    for before, after in product(range(starts + 1), range(ends + 1)):
        if before + after < shortest:
            cores = {"".join(parts[before : len(parts) - after]): name for name, parts in tokens.items()}
            first = next(iter(tokens.values()))
            yield _Reading(tuple(first[:before]), tuple(first[len(first) - after :]), cores)


def _common(lists: list[list[str]]) -> int:
    """Return how many first tokens all lists share."""
    first, last = min(lists), max(lists)  # in sorted order all lists are between these two
    shared = zip(first, last, strict=False)
    return next((i for i, (x, y) in enumerate(shared) if x != y), min(len(first), len(last)))
