"""Downloading a file: resumed after an interruption, and verified before it gets its name."""

from __future__ import annotations

import hashlib
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from filelock import FileLock, Timeout

from fusionbench.errors import DownloadError, FusionbenchError, OutputError
from fusionbench.files import cannot_write, write_json

OFFLINE = "FUSIONBENCH_OFFLINE"
# bytes between two reports of progress
CHUNK = 2**20
PATIENCE = 60  # seconds without data after which a transfer is given up

Progress = Callable[[int, int | None], None]


def download(
    url: str,
    target: Path,
    sha256: str | None = None,
    progress: Progress | None = None,
    check: Callable[[Path], object] | None = None,
) -> str:
    """Download ``url`` to ``target`` and return the SHA-256.

    The part that an interrupted call received stays beside it, and the next call resumes there if the server supports
    that and still has the same file. ``progress`` is called with the number of bytes received and their total, None if
    the server does not state it. ``check`` gets the complete file before it is renamed; its errors are passed on and
    delete the file. Raises DownloadError (at once with --offline) and OutputError.
    """
    forbid_offline(url)
    if not re.match(r"https?://", url):
        raise DownloadError(
            f"'{url}' is not an address to download from: give one that begins with https://."
        )
    part = _Part(target.with_name(f".{target.name}.download"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # not waited for, since another process's download can take hours
        with FileLock(part.lock, timeout=0):
            _transfer(url, part, progress or (lambda *_: None))
            try:
                digest = _verify(part.path, sha256, url)
                if check is not None:
                    check(part.path)
            except FusionbenchError:
                part.forget()
                raise
            os.replace(part.path, target)
            part.forget()
            return digest
    except Timeout as error:
        raise DownloadError(f"Another process is downloading {target}: wait for it.") from error
    except OSError as error:
        raise OutputError(cannot_write(target, error)) from error


def offline() -> bool:
    """Tell whether network use is forbidden by --offline or FUSIONBENCH_OFFLINE."""
    return os.environ.get(OFFLINE, "").lower() not in ("", "0", "false", "no")


def forbid_offline(what: str) -> None:
    """Raise DownloadError if network use is forbidden; ``what`` begins the message."""
    if offline():
        raise DownloadError(
            f"{what} cannot be downloaded: --offline or {OFFLINE} forbids any network use; call again without."
        )


@dataclass(frozen=True)
class _Part:
    """The part of a file received so far, with its address and version in a JSON file beside it."""

    path: Path

    @property
    def note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def lock(self) -> Path:
        return self.path.with_name(f"{self.path.name}.lock")

    def size(self, url: str) -> tuple[int, str | None]:
        """Return the number of bytes that can be resumed and the mark of their version; 0 and None if either is unknown."""
        try:
            about = json.loads(self.note.read_text(encoding="utf-8"))
            return (self.path.stat().st_size, about["version"]) if about["url"] == url else (0, None)
        except (OSError, ValueError, KeyError, TypeError):
            return 0, None

    def forget(self) -> None:
        """Delete part, note and lock, the lock last, because it protects the others."""
        for path in (self.path, self.note, self.lock):
            path.unlink(missing_ok=True)


def _transfer(url: str, part: _Part, progress: Progress) -> None:
    have, version = part.size(url)
    response = _open(url, have, version)
    if response is None:  # the server has no more bytes than are here, or another file now: start again
        have, response = 0, _open(url, 0, None)
    if response is None:  # the server has not even a first byte
        raise DownloadError(_broken(url, "has no content"))
    with response:
        if response.status != 206:
            have = 0
            part.note.unlink(missing_ok=True)
            _note_version(part, url, response)
        total = _total(response, have)
        with part.path.open("ab" if have else "wb") as file:
            progress(have, total)
            while chunk := _read(response, url):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
    if total is not None and have != total:
        raise DownloadError(_broken(url, f"ended after {have} of {total} bytes"))


def _open(url: str, have: int, version: str | None) -> HTTPResponse | None:
    """Request the file, or the part from byte ``have`` on; return None if the server has no such part."""
    # identity: positions in a compressed transfer are not those in the file
    headers = {"User-Agent": "fusionbench", "Accept-Encoding": "identity"}
    if have and version:
        # If-Range makes the server send the whole file if it changed, so that parts of two versions are never joined
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            return None
        raise DownloadError(
            f"{url} answers {error.code} {error.reason}: check the address, or get the file elsewhere and import it."
        ) from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError for a malformed address
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"{url} cannot be reached ({reason}): check the network, or get the file elsewhere and import it."
        ) from error
    if response.status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        response.close()
        return None
    return response


def _note_version(part: _Part, url: str, response: HTTPResponse) -> None:
    """Store the mark of this version of the file; without one the next call starts again."""
    tag = response.headers.get("ETag") or ""
    # weak tags may stay the same when bytes change
    version = tag if tag.startswith('"') else response.headers.get("Last-Modified")
    if version:
        write_json(part.note, {"url": url, "version": version})


def _total(response: HTTPResponse, have: int) -> int | None:
    length = response.headers.get("Content-Length")
    return have + int(length) if length and length.isdigit() else None


def _read(response: HTTPResponse, url: str) -> bytes:
    try:
        return response.read(CHUNK)
    except (OSError, HTTPException) as error:
        raise DownloadError(_broken(url, f"broke ({error or type(error).__name__})")) from error


def _broken(url: str, how: str) -> str:
    return f"The transfer of {url} {how}: call again to resume it, if the server supports that."


def _verify(path: Path, sha256: str | None, url: str) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 is not None and digest != sha256:
        raise DownloadError(
            f"{url} gave a file with SHA-256 {digest[:10]}, not {sha256[:10]}, which was deleted: "
            "call again, or get the file elsewhere and import it."
        )
    return digest
