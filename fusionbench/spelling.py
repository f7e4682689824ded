"""Comparison of names as users type them: case is ignored, and hyphens equal underscores."""

from __future__ import annotations

from collections.abc import Iterable

from fusionbench.errors import UnknownNameError


def folded(name: str) -> str:
    """Return the form in which names are compared: lower case, stripped of blanks, with underscores for hyphens."""
    return name.strip().lower().replace("-", "_")


def spelled(name: str, known: Iterable[str], kind: str) -> str:
    """Return a name as ``known`` spells it. Raises UnknownNameError for a name that is not known; ``kind`` says of what."""
    spelling = {folded(candidate): candidate for candidate in known}
    if name in spelling.values():
        return name
    if folded(name) not in spelling:
        raise UnknownNameError(kind, name, spelling.values())
    return spelling[folded(name)]
