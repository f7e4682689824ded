"""Getting the files that a method's authors published, by download or from a local copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from fusionbench.errors import RequestError
from fusionbench.files import write_through
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.registry.methods import spec
from fusionbench.weights.checkpoints import file_hash
from fusionbench.weights.download import Progress, download, forbid_offline
from fusionbench.weights.published import Checkpoint, checkpoints, published_file

Bar = Callable[[str], AbstractContextManager[Progress]]


def fetch_published(name: str, url: str | None, say: Callable[[str], None], bar: Bar) -> list[Path]:
    """Download the files that a method's authors published, unless they are present, and return their paths.

    ``url`` is the address of another folder with the files. ``say`` receives the licence before each transfer, ``bar``
    shows its progress. Raises RequestError for a method without such files, DownloadError and OutputError.
    """
    method = spec(name)
    entries = checkpoints(method)
    if not entries:
        raise RequestError(
            f"No public files of weights are known for {method.name}: `fusionbench weights list` says what makes them."
        )
    forbid_offline(f"{method.name}'s weights")
    paths = []
    for entry in entries:
        say(f"{method.name}: {entry.terms}")
        paths += [_fetched(method, entry, file, url, bar) for file in entry.files]
    return paths


def _fetched(method: MethodSpec, entry: Checkpoint, file: str, url: str | None, bar: Bar) -> Path:
    path, digest = published_file(method.name, file), entry.files[file]
    if path.is_file() and file_hash(path) == digest:
        return path
    address = f"{url.rstrip('/')}/{file}" if url else entry.address(file)
    with bar(file) as progress:
        download(address, path, digest, progress)
    return path


def keep_published(source: Path, method: MethodSpec, digest: str) -> Path | None:
    """Copy a local file to the place of the published file with the same SHA-256, and return it; None without one."""
    for entry in checkpoints(method):
        for file, stated in entry.files.items():
            if stated == digest:
                path = published_file(method.name, file)
                write_through(path, lambda partial: shutil.copyfile(source, partial))
                return path
    return None
