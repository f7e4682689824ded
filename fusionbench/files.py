"""Write files so that a reader, a kill or a full disk never leaves half of one under its name."""

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
LONGEST_NAME = 200  # bytes; file systems take 255, and temporary names are longer


def folder_name(name: str) -> str:
    """Return a name as one folder's: signs that lead elsewhere or that a file system refuses become %XX, as in addresses.

    Different names stay different. Raises RequestError for a name that is empty or too long for a folder.
    """
    coded = "".join(char if _PLAIN.fullmatch(char) else quote(char, safe="") for char in name)
    for edge in (".", " "):
        coded = f"%{ord(edge):02X}{coded[1:]}" if coded.startswith(edge) else coded
        coded = f"{coded[:-1]}%{ord(edge):02X}" if coded.endswith(edge) else coded
    if not 0 < len(coded.encode()) <= LONGEST_NAME:
        raise RequestError(
            f"'{name[:60]}…' cannot name a folder of results ({len(coded.encode())} bytes, at most {LONGEST_NAME}): "
            "make a variant of the method, which has a name of its own, or shorten the values."
        )
    return coded


def write_through(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it.

    Raises OutputError where the folder cannot be written to or the disk is full; no partial file stays behind.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        _to_disk(partial)
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(cannot_write(path, error)) from error
    finally:
        with contextlib.suppress(OSError):  # whatever went wrong is being raised already
            partial.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Wait until a file's content is on the disk: a crash after the rename must not leave an empty file of that name."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    write_through(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: Path, document: Any) -> None:
    """Write strict JSON: a NaN or infinity in the document is an error, not a token no parser reads."""
    write_text(path, json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def cannot_write(path: Path, error: OSError) -> str:
    """Word the message for a place that cannot be written to."""
    return f"Cannot write {path}: {error.strerror or error}; free space or choose another folder."


def digest_of(document: Any) -> str:
    """Return the SHA-256 of a JSON-like document, independent of the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the collection of cycles, also as a decorator: for code that makes many plain objects and no cycle.

    The collector would go through all of them time and again; reading 100,000 scores takes a third longer with it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
