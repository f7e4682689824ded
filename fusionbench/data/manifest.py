"""Hashes of a data set's files, cached by size and time stamps, so that a large data set is read only once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_cache_dir

from fusionbench.errors import ImageError, OutputError
from fusionbench.files import write_text
from fusionbench.types import Pair

# hexadecimal digits that records keep: 64 bits tell millions of files apart, and records stay short
SHORT_HASH = 16


def file_hashes(folder: Path, files: Iterable[Path], unreadable: str | None = None) -> dict[Path, str]:
    """Return the SHA-256 of each file below ``folder``, reading only files that changed since the last call.

    A file counts as unchanged while its size, modification time and change time are the same. The cache is below
    FUSIONBENCH_CACHE or the user's cache folder; if that cannot be written, every call reads all files. A file that
    cannot be read has ``unreadable`` in place of a hash; if that is None, ImageError is raised.
    """
    cache = Path(os.environ.get("FUSIONBENCH_CACHE") or user_cache_dir("fusionbench"))
    place = cache / "hashes" / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}.json"
    known = _read(place)
    entries: dict[str, list[str]] = {}
    without: dict[Path, str] = {}
    for path in files:
        try:
            stamp, before = _stamp(path), known.get(str(path))
            entries[str(path)] = before if before and before[0] == stamp else [stamp, _hash(path)]
        except ImageError:
            if unreadable is None:
                raise
            without[path] = unreadable
    if any(known.get(path) != entry for path, entry in entries.items()):
        with contextlib.suppress(OutputError):  # the cache only saves time
            write_text(place, json.dumps(known | entries))
    return {Path(path): digest for path, (_, digest) in entries.items()} | without


class SourceStamps:
    """The sizes and time stamps of the files of pairs at one moment, to detect a file that is replaced afterwards."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._stamps = {path: _stamp_or_none(path) for pair in pairs for path in (pair.a, pair.b)}

    def check(self, pair: Pair) -> None:
        """Raise ImageError if a source of the pair was replaced since the object was made."""
        for path in (pair.a, pair.b):
            if _stamp_or_none(path) != self._stamps.get(path):
                raise ImageError(f"'{path}' was replaced while the run went on: run again.")


def _stamp_or_none(path: Path) -> str | None:
    try:
        return _stamp(path)
    except ImageError:  # an unreadable file is reported where it is read
        return None


def _read(place: Path) -> dict[str, list[str]]:
    try:
        known = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # absent or damaged: all files are read again
        return {}
    sound = isinstance(known, dict) and all(
        isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry)
        for entry in known.values()
    )
    return known if sound else {}


def _stamp(path: Path) -> str:
    """Return size, modification and change time; the latter cannot be set back by programs such as ``touch``."""
    try:
        status = path.stat()
    except OSError as error:
        raise ImageError(_unreadable(path, error)) from error
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(_unreadable(path, error)) from error


def _unreadable(path: Path, error: OSError) -> str:
    return f"'{path}' cannot be read ({error.strerror}): restore it or check its permissions."
