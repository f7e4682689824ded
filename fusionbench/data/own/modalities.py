"""Folders by the names that people give them: of a modality (``Ir``, ``thermal``, ``opt``) or of a split (``Test``)."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Literal

from fusionbench.types import Family

# what a and b are called in each family; the first word of each is what our own layouts use
WORDS: dict[Family, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ir-vis": (
        ("ir", "infrared", "thermal", "tir", "lwir", "nir"),
        ("vi", "vis", "visible", "rgb", "visual", "color", "colour"),
    ),
    "medical": (("mri", "mr"), ("pet", "spect", "ct")),
    "sar-opt": (("sar", "s1", "vv", "sentinel1"), ("opt", "optical", "s2", "rgb", "eo", "sentinel2")),
}
# what a and b are called in captions where a user does not say
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
_LONG = 5  # a word of so many letters counts inside another one, too: cropinfrared

Side = Literal["a", "b"]
_SIDES: tuple[Side, Side] = ("a", "b")


def sides(name: str) -> set[tuple[Family, Side]]:
    """Return what a folder's name says it holds: families with a or b; several for words such as ``rgb``."""
    tokens = set(re.findall(r"[a-z]+\d*|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    return {
        (family, side)
        for family, both in WORDS.items()
        for side, words in zip(_SIDES, both, strict=True)
        if any(word in tokens or (len(word) >= _LONG and word in name.lower()) for word in words)
    }


def split_of(name: str) -> str | None:
    """Return train, val or test for a folder's name that says so, else None."""
    return next((split for split, words in SPLITS.items() if name.lower() in words), None)


def actual_folder(base: Path, relative: PurePath) -> Path:
    """Return the folder below ``base`` that is meant by a path of the catalog, or that path where there is none.

    A part that is not there under its own name may be there in other letter case, or under another word for the same
    modality; a choice between two such folders is not made.
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
    """Return the words for the modality that a folder is named after, none for other folders."""
    return {word for both in WORDS.values() for words in both if name.casefold() in words for word in words}
