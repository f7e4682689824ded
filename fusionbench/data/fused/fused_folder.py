"""Folders of fused images made by other programs: finding the file of each pair, and checking sizes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusionbench.data.fused.match_names import NameMatch, match_names
from fusionbench.data.pairs import IMAGE_SUFFIXES, natural_key
from fusionbench.errors import DataNotFoundError, ImageError
from fusionbench.types import Pair


@dataclass(frozen=True)
class FusedFolder:
    """A folder with the image file of each pair, by pair id in the order of the pairs.

    ``conflicts`` are sentences on names with two possible readings; ``files`` is empty then. ``extra`` are images that
    belong to no pair. ``hint`` says why a name that looks right was not accepted.
    """

    path: Path
    files: dict[str, Path]
    extra: tuple[Path, ...] = ()
    conflicts: tuple[str, ...] = ()
    hint: str = ""


def find_fused(folder: Path, pairs: Sequence[Pair]) -> FusedFolder:
    """Return the images of a folder matched with pairs, see `match_names`; case of the suffix is ignored.

    All sources in the pairs' folders are taken into account, so that a limit on the pairs does not change the matching.
    Raises DataNotFoundError if the folder cannot be listed.
    """
    by_stem: dict[str, list[Path]] = {}
    for path in _images(folder):
        by_stem.setdefault(path.stem, []).append(path)
    ids = [pair.id for pair in pairs]
    # names of sources first: if they are all there they leave nothing to guess
    match = _named_after_sources(pairs, by_stem) or match_names(ids, list(_known_ids(pairs)), list(by_stem))
    conflicts = match.conflicts or _twins(match, by_stem)
    if conflicts:
        return FusedFolder(folder, {}, conflicts=conflicts)
    files = {name: by_stem[stem][0] for name, stem in match.stems.items()}
    extra = tuple(path for stem in match.others for path in by_stem[stem])
    return FusedFolder(folder, files, extra, hint=match.hint)


def check_size(path: Path, image: np.ndarray, source: np.ndarray) -> None:
    """Raise ImageError, naming both sizes, if a fused image differs in height or width from its sources."""
    (height, width), (rows, columns) = image.shape[:2], source.shape[:2]
    if (height, width) != (rows, columns):
        raise ImageError(
            f"'{path}' is {width}x{height}, its sources are {columns}x{rows}: fuse at their size."
        )


def _named_after_sources(pairs: Sequence[Pair], stems: Collection[str]) -> NameMatch | None:
    """Return the match if all images are named after their sources b, or a, whose names differ from the ids; else None."""
    ids = [pair.id for pair in pairs]
    for names in ([pair.b.stem for pair in pairs], [pair.a.stem for pair in pairs]):
        if set(names) <= set(stems) and not set(ids) <= set(stems):
            others = tuple(stem for stem in stems if stem not in names)
            return NameMatch(dict(zip(ids, names, strict=True)), others)
    return None


def _known_ids(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield the ids of all sources in the pairs' folders: their names without the addition that those of the pairs have."""
    for folder in sorted({pair.a.parent for pair in pairs}):
        pair = next(pair for pair in pairs if pair.a.parent == folder)
        before, within, after = pair.a.stem.partition(pair.id)
        for stem in (path.stem for path in _images(folder)):
            if within and stem.startswith(before) and stem.endswith(after):
                yield stem[len(before) : len(stem) - len(after)]
            else:
                yield stem


def _images(folder: Path) -> list[Path]:
    """Return the image files in a folder, not in subfolders, in natural order without hidden ones."""
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise DataNotFoundError(
            f"Folder '{folder}' cannot be read ({error.strerror}): give a folder of images."
        ) from error
    images = [path for path in entries if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "."]
    return sorted((path for path in images if path.is_file()), key=lambda path: natural_key(path.name))


def _twins(match: NameMatch, by_stem: dict[str, list[Path]]) -> tuple[str, ...]:
    """Return a sentence for each matched stem that two files have."""
    doubles = ((name, by_stem[stem]) for name, stem in match.stems.items() if len(by_stem[stem]) > 1)
    return tuple(
        f"'{files[0].name}' and '{files[1].name}' could both be the fused image of '{name}': keep one of them."
        for name, files in doubles
    )
