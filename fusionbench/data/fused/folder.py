"""A folder of fused images made elsewhere: which file belongs to which pair, and whether its image fits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusionbench.data.fused.match_names import NameMatch, match_names
from fusionbench.data.pairs import IMAGE_SUFFIXES, natural
from fusionbench.errors import DataNotFoundError, ImageError
from fusionbench.types import Pair


@dataclass(frozen=True)
class FusedFolder:
    """The image of each pair id that has one, in the order of the pairs.

    ``conflicts`` are sentences on names that can be read in two ways; then ``files`` is empty. ``extra`` are the
    images that belong to no pair, ``hint`` says why a name that looks right was not taken.
    """

    path: Path
    files: dict[str, Path]
    extra: tuple[Path, ...] = ()
    conflicts: tuple[str, ...] = ()
    hint: str = ""


def find_fused(folder: Path, pairs: Sequence[Pair]) -> FusedFolder:
    """Match the images of a folder with pairs, see `match_names`; letter case of the file type is ignored.

    The sources beside those of the pairs are known as well, so that a limit does not change what is matched.
    Raises DataNotFoundError where the folder cannot be listed.
    """
    by_stem: dict[str, list[Path]] = {}
    for path in _images(folder):
        by_stem.setdefault(path.stem, []).append(path)
    ids = [pair.id for pair in pairs]
    match = _named_after_sources(pairs, by_stem) or match_names(ids, list(_known_ids(pairs)), list(by_stem))
    conflicts = match.conflicts or _twins(match, by_stem)
    if conflicts:
        return FusedFolder(folder, {}, conflicts=conflicts)
    files = {name: by_stem[stem][0] for name, stem in match.stems.items()}
    extra = tuple(path for stem in match.others for path in by_stem[stem])
    return FusedFolder(folder, files, extra, hint=match.hint)


def check_size(path: Path, image: np.ndarray, source: np.ndarray) -> None:
    """Raise ImageError, naming both sizes, where a fused image does not have its sources' height and width."""
    (height, width), (rows, columns) = image.shape[:2], source.shape[:2]
    if (height, width) != (rows, columns):
        raise ImageError(
            f"'{path}' is {width}x{height}, its sources are {columns}x{rows}: fuse at their size."
        )


def _named_after_sources(pairs: Sequence[Pair], stems: Collection[str]) -> NameMatch | None:
    """Return the match where all images have the names of their sources b, or a, and partners' names differ."""
    ids = [pair.id for pair in pairs]
    for names in ([pair.b.stem for pair in pairs], [pair.a.stem for pair in pairs]):
        if set(names) <= set(stems) and not set(ids) <= set(stems):
            others = tuple(stem for stem in stems if stem not in names)
            return NameMatch(dict(zip(ids, names, strict=True)), others)
    return None


def _known_ids(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield what the sources beside those of the pairs are called, without an addition that all of them have."""
    for folder in sorted({pair.a.parent for pair in pairs}):
        pair = next(pair for pair in pairs if pair.a.parent == folder)
        before, within, after = pair.a.stem.partition(pair.id)
        for stem in (path.stem for path in _images(folder)):
            if within and stem.startswith(before) and stem.endswith(after):
                yield stem[len(before) : len(stem) - len(after)]
            else:
                yield stem


def _images(folder: Path) -> list[Path]:
    """Return the images directly in a folder, in natural order; hidden and other files are passed over."""
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise DataNotFoundError(
            f"Folder '{folder}' cannot be read ({error.strerror}): give a folder of images."
        ) from error
    images = [path for path in entries if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "."]
    return sorted((path for path in images if path.is_file()), key=lambda path: natural(path.name))


def _twins(match: NameMatch, by_stem: dict[str, list[Path]]) -> tuple[str, ...]:
    """Name matched stems that stand for two files."""
    doubles = ((name, by_stem[stem]) for name, stem in match.stems.items() if len(by_stem[stem]) > 1)
    return tuple(
        f"'{files[0].name}' and '{files[1].name}' could both be the fused image of '{name}': keep one of them."
        for name, files in doubles
    )
