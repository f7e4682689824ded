"""Data sets of the user given as a folder, whose layout is derived from the names of its subfolders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from fusionbench.data.own.modalities import MODALITIES, WORDS, sides, split_of
from fusionbench.data.pairs import IMAGE_SUFFIXES
from fusionbench.data.spec import DatasetSpec, SplitSpec, canonical, check_name
from fusionbench.errors import ConfigError, DataNotFoundError
from fusionbench.types import Family

_DEEPEST = 3  # levels of folders between a modality's folder and its images, for example one folder per scene
_UNSAID = "not stated"


@dataclass(frozen=True)
class FoundLayout:
    """The layout of a data set's folder: ``splits`` maps each split to globs of a and b."""

    family: Family
    a: str
    b: str
    splits: dict[str, tuple[str, str]]
    ids: Literal["stem", "path"]


def is_folder(reference: str) -> bool:
    """Tell whether a data set is given by the path of a folder: with a slash, or a leading dot or tilde."""
    text = reference.strip()
    return bool(text) and (
        text.startswith((".", "~")) or bool(set(text) & {"/", "\\"}) or PurePath(text).is_absolute()
    )


def read_folder(path: Path, taken: frozenset[str]) -> DatasetSpec:
    """Return the data set in a folder, with the folder's name; ``taken`` are names that it must not have.

    Raises DataNotFoundError if the folder is missing or its layout is not recognised, ConfigError for an unusable name.
    """
    if not path.is_dir():
        raise DataNotFoundError(f"Data set folder '{path}' does not exist: check the path in --dataset.")
    home = path.resolve()
    name = check_name(canonical(home.name), f"The folder '{path}'")
    if name in taken:
        raise ConfigError(
            f"'{path}' would be called '{name}' like a data set of the catalog: ask for `--dataset {name} --data-root "
            f"{path.parent}`, or rename the folder."
        )
    layout = find_layout(home)
    splits = {split: SplitSpec(*globs) for split, globs in layout.splits.items()}
    said: dict[str, Any] = dict.fromkeys(("licence", "citation", "url", "quirks"), _UNSAID)
    return DatasetSpec(
        name=name, title=home.name, family=layout.family, a=layout.a, b=layout.b, folder=str(home), splits=splits,
        ids=layout.ids, **said,
    )  # fmt: skip


def find_layout(home: Path) -> FoundLayout:
    """Return the layout of a folder: ``{ir,vi}``, ``{train,test}/{ir,vi}`` or ``{ir,vi}/{train,test}``.

    Without folders of splits all pairs belong to the split ``test``. Raises DataNotFoundError, naming the folders, if no
    pair of folders or several pairs are recognised.
    """
    for parents in ({"test": home}, _split_folders(home)):
        folder_pairs = {split: list(_both(parent)) for split, parent in parents.items()}
        several = next((pairs for pairs in folder_pairs.values() if len(pairs) > 1), None)
        if several:
            shown = " and ".join(f"'{a.name}' with '{b.name}'" for _, a, b in several[:2])
            raise DataNotFoundError(f"'{home}' holds several pairs of folders, {shown}: {_describe(home)}.")
        pairs = {split: folders[0] for split, folders in folder_pairs.items() if folders}
        if pairs:
            return _layout(home, pairs)
    folders = ", ".join(f"'{folder.name}'" for folder in _folders(home)[:6]) or "none"
    raise DataNotFoundError(
        f"'{home}' is not understood as a data set (folders: {folders}): name them after their modality, such as ir and "
        f"vi, thermal and rgb, sar and opt, MRI and PET, in it or in train and test; or {_describe(home)}."
    )


def _describe(home: Path) -> str:
    return f"describe it in a file, which `fusionbench new dataset {home}` begins"


def _folders(parent: Path) -> list[Path]:
    children = parent.iterdir() if parent.is_dir() else ()
    return sorted(child for child in children if child.is_dir() and not child.name.startswith("."))


def _split_folders(parent: Path) -> dict[str, Path]:
    return {split: child for child in _folders(parent) if (split := split_of(child.name))}


def _both(parent: Path) -> Iterator[tuple[Family, Path, Path]]:
    """Yield the pairs of folders of one family; if some are named exactly by known words, only these."""
    known = [(child, sides(child.name)) for child in _folders(parent)]
    pairs = [
        (family, a, b)
        for a, sides_a in known
        for b, sides_b in known
        for family in WORDS
        if a != b and (family, "a") in sides_a and (family, "b") in sides_b
    ]
    exact = [pair for pair in pairs if all(_is_word(folder.name) for folder in pair[1:])]
    yield from exact or pairs


def _is_word(name: str) -> bool:
    return any(name.lower() in words for both in WORDS.values() for words in both)


def _layout(home: Path, pairs: dict[str, tuple[Family, Path, Path]]) -> FoundLayout:
    """Return the layout for pairs of folders, which may contain folders of splits themselves."""
    family, a, b = next(iter(pairs.values()))
    inside = {
        split: (family, folder, _split_folders(b)[split])
        for split, folder in _split_folders(a).items()
        if split in _split_folders(b)
    }
    pairs = inside or pairs
    depths = {_depth(folder) for _, *both in pairs.values() for folder in both}
    depth = max(depths)
    globs = {split: (_glob(home, a, depth), _glob(home, b, depth)) for split, (_, a, b) in pairs.items()}
    titles = _titles(family, a, b)
    return FoundLayout(family, *titles, globs, "path" if depth else "stem")


def _depth(folder: Path) -> int:
    """Return the number of levels between a folder and its images, 0 if it has no image at all."""
    for depth in range(_DEEPEST + 1):
        if any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.glob("/".join(["*"] * (depth + 1)))):
            return depth
    return 0


def _glob(home: Path, folder: Path, depth: int) -> str:
    # the name is literal, so characters of patterns in it are escaped by brackets
    literal = re.sub(r"([*?\[])", r"[\1]", folder.relative_to(home).as_posix())
    return "/".join([literal, *["*"] * (depth + 1)])


def _titles(family: Family, a: Path, b: Path) -> tuple[str, str]:
    """Return the names of the modalities; for medical ones the word in the folder's name."""
    if family != "medical":
        return MODALITIES[family]
    named = [
        next((word for word in words if word in folder.name.lower()), default)
        for folder, words, default in zip((a, b), WORDS[family], MODALITIES[family], strict=True)
    ]
    return "MRI", named[1].upper()
