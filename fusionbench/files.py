"""Writing files so that neither a kill nor a full disk leaves an incomplete file, and no reader sees one."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fusionbench.errors import OutputError, RequestError

_PLAIN = re.compile(r"[\w .,+=@()\[\]\-]")
LONGEST_NAME = 200  # bytes: file systems allow 255, and temporary names are longer than the final ones


def folder_name(name: str) -> str:
    """Return a name as the name of one folder; characters that file systems refuse or that form paths become %XX.

    Different names stay different. Raises RequestError if the result is empty or longer than `LONGEST_NAME`.
    """
    coded = "".join(char if _PLAIN.fullmatch(char) else quote(char, safe="") for char in name)
    # Windows drops dots and blanks at the end, and a leading dot hides a folder from listings
    for edge in (".", " "):
        coded = f"%{ord(edge):02X}{coded[1:]}" if coded.startswith(edge) else coded
        coded = f"{coded[:-1]}%{ord(edge):02X}" if coded.endswith(edge) else coded
    if not 0 < len(coded.encode()) <= LONGEST_NAME:
        raise RequestError(
            f"'{name[:60]}…' cannot name a folder of results ({len(coded.encode())} bytes, at most {LONGEST_NAME}): "
            "define a variant of the method, which has its own name, or shorten the values."
        )
    return coded


def write_through(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it to ``path``.

    Raises OutputError if the folder cannot be written or the disk is full; no incomplete file is left.
    """
    # in the same folder, because a rename is atomic only within a file system; with the process's number, because
    # two processes may write the same file
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        # file systems may store a rename before the content, so that a power failure would leave an empty file
        with partial.open("r+b") as stream:
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(cannot_write(path, error)) from error
    finally:
        with contextlib.suppress(OSError):  # whatever went wrong is being raised already
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, as `write_through` does."""
    write_through(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: Path, document: Any) -> None:
    """Write strict JSON, as `write_through` does; NaN or infinity raise ValueError, because JSON has no such numbers."""
    write_text(path, json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def check_writable(folder: Path) -> None:
    """Create a folder and raise OutputError if no file can be written in it."""
    # the process id, because other calls may test the same folder at the same time
    probe_file = folder / f".writable.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe_file.write_bytes(b"x")
        probe_file.unlink()
    except OSError as error:
        raise OutputError(cannot_write(folder, error)) from error


def cannot_write(path: Path, error: OSError) -> str:
    """Return the message for a file or folder that cannot be written."""
    blocked = isinstance(error, FileExistsError | NotADirectoryError)
    reason = "a file is where a folder has to be" if blocked else error.strerror or error
    return f"Cannot write {path}: {reason}; free space or choose another folder."


def digest_of(document: Any) -> str:
    """Return the SHA-256 of a document of JSON types, independent of the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the garbage collector, as a context or decorator, for code that makes many plain objects and no cycles.

    The collector would visit all of them repeatedly; reading 100,000 scores takes a third longer with it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
