"""Methods that are commands: checking their cards, and their identity."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fusionbench.errors import ConfigError

PLACES = ("{a}", "{b}", "{out}")
COMMAND_KINDS = ("learned", "classical")


def check_command(command: Any, kind: str, where: Path) -> None:
    """Raise ConfigError if a card's command cannot be run."""
    if not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):
        raise ConfigError(f"{where}: command must be a list of strings: write [program, argument, ...].")
    if missing := [place for place in PLACES if not any(place in part for part in command)]:
        raise ConfigError(
            f"{where}: command lacks {', '.join(missing)}: add it; a command gets a folder for a, one for b and one for its results."
        )
    if kind not in COMMAND_KINDS:
        raise ConfigError(
            f"{where}: a command is of kind {' or '.join(COMMAND_KINDS)}, not '{kind}': use one."
        )


def command_hash(folder: Path, command: Sequence[str]) -> str:
    """Return the SHA-256 of a command and of the files in its folder, without the card and hidden or cached files.

    Raises ImageError for a file that cannot be read.
    """
    from fusionbench.data.manifest import file_hashes

    hashes = file_hashes(folder, _files(folder))
    digest = hashlib.sha256("\0".join(command).encode())
    for path, content in hashes.items():
        digest.update(f"\0{path.relative_to(folder).as_posix()}\0{content}".encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    files = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        passed_over = any(part[0] == "." or part == "__pycache__" for part in parts)
        if path.is_file() and not passed_over and parts != ("card.yaml",):
            files.append(path)
    return files
