"""Metrics of the user's own in local files: ``--metrics ./mymetric.py``, known by an environment variable.

The variable FUSIONBENCH_METRICS holds the files' paths, separated as in PATH, so that processes of a run know them too.
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
    """Tell whether a metric was asked for by the path of a Python file and not by its name."""
    return reference.strip().endswith(".py")


def add_file(path: Path) -> Provider:
    """Add a file to those whose metrics are known, and return it as a provider. Raises PluginError where it is none."""
    path = path.expanduser().resolve()
    if not path.is_file():
        raise PluginError(f"File of metrics '{path}' does not exist: check the path in --metrics.")
    if str(path) not in _paths():
        os.environ[VARIABLE] = os.pathsep.join([*_paths(), str(path)])
    return _provider(path)


def file_providers() -> tuple[Provider, ...]:
    """Return the files that are known and there, in the order in which they were added."""
    return tuple(_known(path, *stamp) for path in _paths() if (stamp := _stamp(path)))


def version_of(path: Path) -> int:
    """Return a version that every edit of a file changes, so that nothing is kept that an older text has scored."""
    return 1 + int(hashlib.sha256(path.read_bytes()).hexdigest()[:7], 16)


def _paths() -> list[str]:
    return [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@cache
def _known(path: str, changed: int, size: int) -> Provider:
    """Read a file once for each time stamp: its card is asked for with every score."""
    return _provider(Path(path))


def _provider(path: Path) -> Provider:
    return Provider(path.stem, str(path), path.name, str(version_of(path)))
