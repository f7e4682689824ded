"""Recognising folders by common names of modalities (``Ir``, ``thermal``, ``opt``) and splits (``Test``)."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Literal

from fusionbench.types import Family

# names of a and b in each family; the first of each is the one used in layouts of this package
WORDS: dict[Family, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ir-vis": (
        ("ir", "infrared", "thermal", "tir", "lwir", "nir"),
        ("vi", "vis", "visible", "rgb", "visual", "color", "colour"),
    ),
    "medical": (("mri", "mr"), ("pet", "spect", "ct")),
    "sar-opt": (("sar", "s1", "vv", "sentinel1"), ("opt", "optical", "s2", "rgb", "eo", "sentinel2")),
}
# names of a and b in captions if the user does not give any
MODALITIES: dict[Family, tuple[str, str]] = {
    "ir-vis": ("infrared", "visible"),
    "medical": ("MRI", "functional or CT"),
    "sar-opt": ("SAR", "optical"),
}
SPLITS = {
    "train": ("train", "training", "trainset"),
    "val": ("val", "valid", "validation", "eval"),
    "test": ("test", "testing", "testset"),
}
_LONG = 5  # letters from which on a word is recognised inside another one, as in cropinfrared

Side = Literal["a", "b"]
_SIDES: tuple[Side, Side] = ("a", "b")


def sides(name: str) -> set[tuple[Family, Side]]:
    """Return the families and sources ("a" or "b") that a folder's name may mean; several for words such as ``rgb``."""
    tokens = set(re.findall(r"[a-z]+\d*|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    return {
        (family, side)
        for family, both in WORDS.items()
        for side, words in zip(_SIDES, both, strict=True)
        if any(word in tokens or (len(word) >= _LONG and word in name.lower()) for word in words)
    }


def split_of(name: str) -> str | None:
    """Return the split (train, val or test) that a folder's name means, else None."""
    return next((split for split, words in SPLITS.items() if name.lower() in words), None)


def actual_folder(base: Path, relative: PurePath) -> Path:
    """Return the existing folder below ``base`` for a path of the catalog, or the path itself if there is none.

    A part that does not exist under its own name may exist in other letter case or under another word for the same
    modality; if two such folders exist, neither is chosen.
    """
    folder = base
    for part in relative.parts:
        folder = _child(folder, part)
    return folder


def _child(folder: Path, name: str) -> Path:
    if (folder / name).is_dir() or not folder.is_dir() or set(name) & set("*?["):
        return folder / name
    children = [child for child in folder.iterdir() if child.is_dir()]
    same = [child for child in children if child.name.casefold() == name.casefold()]
    alike = same or [child for child in children if child.name.casefold() in _words_beside(name)]
    return alike[0] if len(alike) == 1 else folder / name


def _words_beside(name: str) -> set[str]:
    """Return all words for the modality after which a folder is named, none for other folders."""
    return {word for both in WORDS.values() for words in both if name.casefold() in words for word in words}
