"""Names as users type them: case is ignored, and hyphen equals underscore."""

from __future__ import annotations

from collections.abc import Iterable

from fusionbench.errors import UnknownNameError


def folded(name: str) -> str:
    """Return the form in which names are compared: lower case, without blanks around, underscores for hyphens."""
    return name.strip().lower().replace("-", "_")


def spelled(name: str, known: Iterable[str], kind: str) -> str:
    """Return a name as ``known`` spells it. Raises UnknownNameError, which names the ``kind``."""
    spelling = {folded(candidate): candidate for candidate in known}
    if name in spelling.values():
        return name
    if folded(name) not in spelling:
        raise UnknownNameError(kind, name, spelling.values())
    return spelling[folded(name)]
