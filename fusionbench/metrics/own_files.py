"""Metrics in local files of the user: ``--metrics ./mymetric.py``.

The environment variable FUSIONBENCH_METRICS has the files' paths, separated as in PATH, so that child processes of a
run know them too.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from fusionbench.errors import PluginError
from fusionbench.providers import Provider

VARIABLE = "FUSIONBENCH_METRICS"


def is_file(reference: str) -> bool:
    """Tell whether a metric is given by the path of a Python file rather than by name."""
    return reference.strip().endswith(".py")


def add_file(path: Path) -> Provider:
    """Make a file's metrics known and return the file as a provider. Raises PluginError if there is no such file."""
    path = path.expanduser().resolve()
    if not path.is_file():
        raise PluginError(f"File of metrics '{path}' does not exist: check the path in --metrics.")
    if str(path) not in _paths():
        os.environ[VARIABLE] = os.pathsep.join([*_paths(), str(path)])
    return _provider(path)


def file_providers() -> tuple[Provider, ...]:
    """Return the known files that exist, in the order in which they were added."""
    return tuple(_known(path, *stamp) for path in _paths() if (stamp := _stamp(path)))


def version_of(path: Path) -> int:
    """Return a version number that changes with every edit of a file, so that scores by an older text are redone."""
    return 1 + int(hashlib.sha256(path.read_bytes()).hexdigest()[:7], 16)


def _paths() -> list[str]:
    return [*filter(None, os.environ.get(VARIABLE, "").split(os.pathsep))]


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@cache
def _known(path: str, changed: int, size: int) -> Provider:
    """Return a file as a provider, read once for each time stamp and size, because every score asks for it."""
    return _provider(Path(path))


def _provider(path: Path) -> Provider:
    return Provider(path.stem, str(path), path.name, str(version_of(path)))
