"""Finding the pairs of a split on disk."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from fusionbench.data.manifest import SHORT_HASH, file_hashes
from fusionbench.data.own.modalities import actual_folder
from fusionbench.data.own.pair_names import pair_names
from fusionbench.data.spec import DatasetSpec, SplitSpec
from fusionbench.errors import DataNotFoundError, ImageError, RequestError, UnknownNameError
from fusionbench.types import Pair

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff"})
BOX_SUFFIXES = IMAGE_SUFFIXES | {".txt", ".xml"}
# characters that every file system accepts: letters of any script, digits, and unreserved signs
_SAFE_ID = re.compile(r"\w[\w .,+=@()\-]*")


@dataclass(frozen=True)
class Split:
    """The pairs of one split on this machine, in natural order of their ids.

    ``root`` is the data set's own folder. ``expected`` is the official number of pairs, None if unknown; fewer on disk
    are a partial copy and no error. ``limit`` is the number to which the user limited it. ``unmatched`` are the files,
    relative to ``root``, without a partner in the other folder.
    """

    spec: DatasetSpec
    name: str
    root: Path
    pairs: tuple[Pair, ...]
    expected: int | None
    limit: int | None = None
    unmatched: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in the order of the pairs."""
        return tuple(pair.id for pair in self.pairs)

    @property
    def ids_hash(self) -> str:
        """The SHA-256 of the sorted ids, which tells the same selection of pairs regardless of their content."""
        return hashlib.sha256("\n".join(sorted(self.ids)).encode()).hexdigest()

    def content_hash(self, labels: bool = False, unreadable: str | None = "") -> str:
        """Return the SHA-256 of ids and file contents (the data manifest).

        Label maps are included only with ``labels``, because fusing does not use them. ``unreadable`` stands for the
        content of a file that cannot be read, which costs its pair only; with None it raises ImageError.
        """
        members = {
            pair.id: [pair.a, pair.b, *([pair.label] if labels and pair.label else [])] for pair in self.pairs
        }
        hashes = file_hashes(self.root, (path for files in members.values() for path in files), unreadable)
        total = hashlib.sha256()
        for pair_id, files in sorted(members.items()):
            total.update("\n".join([pair_id, *(hashes[path] for path in files), ""]).encode())
        return total.hexdigest()

    def source_digests(self) -> list[str]:
        """Return "<a> <b>" for each pair in order, the first digits of its files' SHA-256; none for an unreadable file."""
        hashes = file_hashes(self.root, (path for pair in self.pairs for path in (pair.a, pair.b)), "")
        return [f"{hashes[pair.a][:SHORT_HASH]} {hashes[pair.b][:SHORT_HASH]}" for pair in self.pairs]


def data_root(given: str | Path | None = None) -> Path:
    """Return the folder of the data sets: the given one, else FUSIONBENCH_DATA, else ``data``."""
    return Path(given or os.environ.get("FUSIONBENCH_DATA") or "data").expanduser()


def find_split(
    spec: DatasetSpec, split: str, root: str | Path | None = None, limit: int | None = None
) -> Split:
    """Return the pairs of a split below the data root, the first ``limit`` of them in natural order.

    Files are paired by stem, so a JPEG can pair with a PNG. Raises UnknownNameError for an unknown split,
    DataNotFoundError if a folder is missing or there is no pair, ImageError for names that cannot be used, RequestError
    for a limit below 1.
    """
    if split not in spec.splits and Path(spec.folder).is_absolute():
        raise DataNotFoundError(
            f"{spec.title} has no split '{split}', only {', '.join(spec.splits)}: name one with --split, or put pairs into "
            f"folders train and test, or list splits in a file that `fusionbench new dataset {spec.folder}` begins."
        )
    if split not in spec.splits:
        raise UnknownNameError(f"split of {spec.name}", split, spec.splits)
    if limit is not None and limit < 1:
        raise RequestError(f"--limit must be at least 1; got {limit}.")
    base, where = _on_disk(spec, split, data_root(root))
    pairs, unmatched = _match(spec, base, where)
    if not pairs:
        raise DataNotFoundError(_without_pairs(spec, split, base, where))
    return Split(spec, split, base, tuple(pairs[:limit]), where.count, limit, tuple(unmatched))


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sort key by which ``img2`` comes before ``img10``."""
    # the split alternates text and digits, so text is never compared with a number
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)], name


def position(dataset: str, pair_id: str) -> float:
    """Return the position of an id in [0, 1): the first 48 bits of the SHA-256 of ``<data set>/<id>``, over 2^48.

    It depends on nothing else, so a pair is in the same split in every copy, complete or partial.
    """
    digest = hashlib.sha256(f"{dataset}/{pair_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def list_images(
    base: Path,
    pattern: str,
    suffixes: frozenset[str] = IMAGE_SUFFIXES,
    ids: Literal["stem", "path"] = "stem",
) -> dict[str, Path]:
    """Return the files that match a glob, by id, in natural order, without hidden ones.

    ``suffixes`` are those of the wanted files in lower case. An id is the file's stem, or with "path" the folders from
    the glob's first wildcard on and the stem, joined by ``_``. Raises ImageError if two files have the same id or an id
    cannot be the name of a result.
    """
    images: dict[str, Path] = {}
    fixed = len(list(takewhile(lambda part: not set(part) & set("*?["), PurePosixPath(pattern).parts)))
    for path in base.glob(pattern):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes or not path.is_file():
            continue
        folders = path.relative_to(base).parts[fixed:-1] if ids == "path" else ()
        name = "_".join([*folders, path.stem])
        if name in images:
            raise ImageError(_twins(images[name], path, base))
        # Windows drops dots and blanks at the end of a name
        if not _SAFE_ID.fullmatch(name) or name[-1] in ". ":
            raise ImageError(
                f"The name of '{path}' cannot name a result file: rename it in both folders, using "
                "letters, digits, spaces and .,+=@()-_ only."
            )
        images[name] = path
    return {name: images[name] for name in sorted(images, key=natural_key)}


def _twins(first: Path, second: Path, base: Path) -> str:
    """Return the message for two files with the same stem, in one folder or in two that a glob spans."""
    if first.parent == second.parent:
        names, folder, remedy = sorted([first.name, second.name]), first.parent, "keep one of them"
    else:
        names = sorted(path.relative_to(base).as_posix() for path in (first, second))
        folder, remedy = base, "rename one of them, with its partner"
    return f"'{names[0]}' and '{names[1]}' in '{folder}' have the same stem: {remedy}."


def _match(spec: DatasetSpec, base: Path, where: SplitSpec) -> tuple[list[Pair], list[str]]:
    """Return the pairs of files by stem, and the files without a partner."""
    marks = spec.stem_marks
    a = _of_source(spec, base, where, where.a, marks.a if marks else "")
    b = _of_source(spec, base, where, where.b, marks.b if marks else "")
    labels = list_images(base, where.label, ids=spec.ids) if where.label else {}
    boxes = list_images(base, where.boxes, BOX_SUFFIXES, spec.ids) if where.boxes else {}
    pairs = [
        Pair(name, a[of_a], b[of_b], labels.get(name), boxes.get(name))
        for name, (of_a, of_b) in pair_names(a, b).items()
    ]
    paired = {path for pair in pairs for path in (pair.a, pair.b)}
    alone = [path for path in (*a.values(), *b.values()) if path not in paired]
    return _drawn(spec, where, pairs), [path.relative_to(base).as_posix() for path in alone]


def _of_source(spec: DatasetSpec, base: Path, where: SplitSpec, glob: str, mark: str) -> dict[str, Path]:
    """Return the images of one source by id, only those of the split if several splits are parts of one folder.

    ``mark`` is what the source adds to its stems; in ids it becomes "_".
    """
    images = {
        stem.replace(mark, "_", 1) if mark else stem: path
        for stem, path in list_images(base, glob, ids=spec.ids).items()
    }
    images = {name: path for name, path in images.items() if name not in where.without}
    if where.part is None:
        return images
    low, high = where.part
    return {name: path for name, path in images.items() if low <= position(spec.name, name) < high}


def _drawn(spec: DatasetSpec, where: SplitSpec, pairs: list[Pair]) -> list[Pair]:
    """Return the ``count`` pairs with the lowest positions if a part has more, in unchanged order."""
    if where.part is None or where.count is None or len(pairs) <= where.count:
        return pairs
    lowest = sorted(pairs, key=lambda pair: position(spec.name, pair.id))[: where.count]
    kept = {pair.id for pair in lowest}
    return [pair for pair in pairs if pair.id in kept]


def _on_disk(spec: DatasetSpec, split: str, root: Path) -> tuple[Path, SplitSpec]:
    """Return the data set's folder, and the split with the names that its folders have on this machine."""
    base = actual_folder(root, Path(spec.folder))
    if spec.generated and not base.is_dir():
        # here rather than above, because only demo data sets need the generators
        from fusionbench.data import demo

        base = Path(demo.ensure(spec.name, split))
    where = spec.splits[split]
    actual: dict[str, Any] = {}
    for key in ("a", "b", "label", "boxes"):
        if glob := getattr(where, key):
            path = PurePosixPath(glob)
            actual[key] = (actual_folder(base, path.parent).relative_to(base) / path.name).as_posix()
    where = replace(where, **actual)
    folders = [(base / pattern).parent for pattern in (where.a, where.b)]
    for folder in (base, *folders):
        if not folder.is_dir() and "*" not in str(folder.relative_to(base)):
            raise DataNotFoundError(_missing(spec, folder, root))
    return base, where


def _missing(spec: DatasetSpec, folder: Path, root: Path) -> str:
    if _is_itself(spec, root):
        return (
            f"{spec.title} is expected at '{root / spec.folder}', but '{root}' itself has its layout: "
            f"give the folder that holds '{spec.folder}' as --data-root."
        )
    if spec.prepare and (root / spec.folder / spec.prepare.a).parent.is_dir():
        return (
            f"{spec.title} is not prepared yet: no folder '{folder}'. Run `fusionbench data prepare {spec.name} "
            f"--data-root {root}` once."
        )
    if Path(spec.folder).is_absolute():
        return (
            f"{spec.title} has no folder '{folder}': correct its file, whose globs are below '{spec.folder}'."
        )
    return (
        f"{spec.title} is not here: no folder '{folder}'. Point --data-root or FUSIONBENCH_DATA at the "
        f"folder that holds '{spec.folder}'; `fusionbench info {spec.name}` says where to get it."
    )


def _without_pairs(spec: DatasetSpec, split: str, base: Path, where: SplitSpec) -> str:
    """Return the message for a split without pairs: folders without images, or names that differ."""
    from fusionbench.data.own.folder_contents import without_images  # it builds on this module

    head = f"No pair of {spec.title} ({split})"
    firsts = []
    for glob in (where.a, where.b):
        images, folder = list_images(base, glob, ids=spec.ids), (base / glob).parent
        if not images and folder.is_dir():
            return f"{head}: {without_images(folder)}"
        firsts += [path.name for path in images.values()][:1]
    shown = f", where the first are '{firsts[0]}' and '{firsts[1]}'" if len(firsts) == 2 else ""
    own = Path(spec.folder).is_absolute()
    remedy = "rename the files" if own else f"`fusionbench info {spec.name}` shows the layout"
    return f"{head}: no image in '{base / where.a}' has a partner of the same stem in '{base / where.b}'{shown}; {remedy}."


def _is_itself(spec: DatasetSpec, root: Path) -> bool:
    """Tell whether the user gave the data set's own folder instead of the folder that contains it."""
    pairs = [((root / split.a).parent, (root / split.b).parent) for split in spec.splits.values()]
    return not (root / spec.folder).is_dir() and any(a.is_dir() and b.is_dir() for a, b in pairs)
