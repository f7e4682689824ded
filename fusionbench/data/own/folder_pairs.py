"""Pairing the images of two folders that belong to no data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fusionbench.data.own.folder_contents import without_images
from fusionbench.data.own.pair_names import pair_names
from fusionbench.data.pairs import list_images, natural_key
from fusionbench.errors import DataNotFoundError, RequestError, first_names
from fusionbench.types import Pair


def pair_folders(a: Path, b: Path, names: tuple[str, str]) -> tuple[Pair, ...]:
    """Return the pairs of two folders in natural order, see `pair_names`; ``names`` are the user's names of the folders.

    Raises RequestError for the same folder given twice, and DataNotFoundError if a folder is missing or contains no
    image, or if an image has no partner.
    """
    for folder in (a, b):
        if not folder.is_dir():
            raise DataNotFoundError(f"Folder '{folder}' does not exist: {' and '.join(names)} take folders.")
    if a.samefile(b):
        raise RequestError(
            f"{' and '.join(names)} are one folder, '{a}': keep the two sources in two folders."
        )
    in_a, in_b = list_images(a, "*"), list_images(b, "*")
    empty = [folder for folder, images in ((a, in_a), (b, in_b)) if not images]
    if empty:
        raise DataNotFoundError(" ".join(map(without_images, empty)))
    matched = pair_names(in_a, in_b)
    if not matched:
        raise DataNotFoundError(_different(in_a, in_b))
    pairs = tuple(
        Pair(name, in_a[matched[name][0]], in_b[matched[name][1]])
        for name in sorted(matched, key=natural_key)
    )
    paired = {path for pair in pairs for path in (pair.a, pair.b)}
    alone = [path for path in (*in_a.values(), *in_b.values()) if path not in paired]
    if alone:
        raise DataNotFoundError(
            f"{len(alone)} images of '{a}' and '{b}' have no partner of the same name: {first_names(alone)}; complete or "
            "remove them."
        )
    return pairs


def reading_of(pairs: Sequence[Pair]) -> str | None:
    """Return a sentence on how partners with different names were paired, so that wrong guesses are seen; else None."""
    first = pairs[0]
    if first.a.stem == first.b.stem:
        return None
    return f"'{first.a}' and '{first.b}' are taken for pair '{first.id}', and so on for all {len(pairs)}."


def _different(in_a: dict[str, Path], in_b: dict[str, Path]) -> str:
    """Return the message for two folders whose names have nothing in common, with an example of each."""
    first, second = next(iter(in_a.values())), next(iter(in_b.values()))
    return (
        f"No image of '{first.parent}' has a partner in '{second.parent}': the names differ, '{first.name}' in one and "
        f"'{second.name}' in the other; give partners one name, or one addition that all names of a folder have."
    )
