"""The data of one training: splits of one or several data sets of a family."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import RequestError
from fusionbench.files import digest_of
from fusionbench.types import Family, Pair

LONGEST_NAME = 100  # characters of the name, which is that of a folder


@dataclass(frozen=True)
class TrainingData:
    """Splits of one or several data sets of one family, in the order in which they were named."""

    parts: tuple[Split, ...]

    @classmethod
    def of(cls, data: Split | TrainingData) -> TrainingData:
        """Return training data unchanged, and a single split as training data of one part."""
        return cls((data,)) if isinstance(data, Split) else data

    @property
    def name(self) -> str:
        """The names of the data sets joined by ``+``, as used for the training's folder."""
        names = [part.spec.name for part in self.parts]
        whole = "+".join(names)
        return whole if len(whole) <= LONGEST_NAME else f"{names[0]}+{len(names) - 1}-more"

    @property
    def family(self) -> Family:
        return self.parts[0].spec.family

    @property
    def members(self) -> tuple[tuple[Split, Pair], ...]:
        """Every pair with its split, because ids of different data sets may be equal."""
        return tuple((part, pair) for part in self.parts for pair in part.pairs)

    def __len__(self) -> int:
        return sum(len(part.pairs) for part in self.parts)

    @property
    def labelled(self) -> bool:
        """Whether all data sets have the same classes and all pairs a label map."""
        classes = {part.spec.labels and part.spec.labels.classes for part in self.parts}
        return len(classes) == 1 and all(pair.label is not None for _, pair in self.members)

    @property
    def unused_labels(self) -> str | None:
        """A sentence on the label maps that are not used because other data sets have none; None if all are used."""
        having = [part.spec.title for part in self.parts if any(pair.label for pair in part.pairs)]
        if self.labelled or not having or len(self.parts) == 1:
            return None
        return f"The label maps of {', '.join(having)} are not used, because not all data sets have them."

    def content_hash(self) -> str:
        """Return the SHA-256 of ids, images and label maps. Raises ImageError for an unreadable file."""
        hashes = [part.content_hash(labels=True, unreadable=None) for part in self.parts]
        return hashes[0] if len(hashes) == 1 else digest_of(hashes)

    def divided(self, fraction: float, seed: int) -> tuple[TrainingData, TrainingData]:
        """Return the pairs to train on and the pairs to validate on, which are ``fraction`` of all.

        With fraction 0 all pairs are for training; otherwise each part gets at least one, by the hash of seed and id.
        Raises RequestError if there are too few pairs.
        """
        if not fraction:
            return self, TrainingData(tuple(replace(part, pairs=()) for part in self.parts))
        if len(self) < 2:
            raise RequestError(
                f"Cannot set aside {fraction} of {len(self)} pairs for validation: it takes at least 2 pairs."
            )
        # by hashes rather than a generator: the order in which data sets are named does not change what is held out
        ranked = sorted((_key(*member) for member in self.members), key=lambda key: _rank(seed, key))
        held_out = frozenset(ranked[: min(max(1, round(fraction * len(self))), len(self) - 1)])
        return self._kept(held_out, inside=False), self._kept(held_out, inside=True)

    def _kept(self, keys: frozenset[str], inside: bool) -> TrainingData:
        return TrainingData(
            tuple(
                replace(part, pairs=tuple(p for p in part.pairs if (_key(part, p) in keys) is inside))
                for part in self.parts
            )
        )

    def manifest(self) -> list[dict[str, Any]]:
        """Return the description of each data set for the record of weights: its pairs, their official number, their files."""
        return [
            {
                "name": part.spec.name,
                "title": part.spec.title,
                "split": part.name,
                "pairs": len(part.pairs),
                "expected": part.expected,
                "split_hash": part.ids_hash,
                "ids": list(part.ids),
                "files": part.source_digests(),
            }
            for part in self.parts
        ]

    def in_words(self) -> str:
        """Return the numbers of pairs in words that a paper can print."""
        if len(self.parts) == 1:
            return f"{_counted(self.parts[0])} pairs"
        return f"{len(self)} pairs ({', '.join(map(_counted, self.parts))})"


def find_training_data(
    names: str, split: str = "train", root: str | Path | None = None, limit: int | None = None
) -> TrainingData:
    """Return the split of the data sets in a comma-separated list, of each the first ``limit`` pairs.

    A data set is a name in the catalog, or the path of a YAML file or folder. Raises RequestError if families differ or a
    data set is named twice, and as `dataset` and `find_split` do.
    """
    specs = [dataset(name) for name in names.split(",") if name.strip()]
    if not specs:
        raise RequestError(f"'{names}' names no data set: give one, or several as A,B,C.")
    families = {spec.family: spec.name for spec in specs}
    if len(families) > 1:
        said = " and ".join(f"'{name}' is {family}" for family, name in families.items())
        raise RequestError(f"One training takes data sets of one family: {said}.")
    known = [spec.name for spec in specs]
    if twice := next((name for name in known if known.count(name) > 1), None):
        raise RequestError(f"Data set '{twice}' is named twice: name each once.")
    return TrainingData(tuple(find_split(spec, split, root, limit) for spec in specs))


def _counted(part: Split) -> str:
    of = f" of {part.expected}" if part.expected and part.expected != len(part.pairs) else ""
    return f"{len(part.pairs)}{of} {part.spec.title} {part.name}"


def _key(part: Split, pair: Pair) -> str:
    return f"{part.spec.name}/{pair.id}"


def _rank(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
