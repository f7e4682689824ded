"""Whether each registered method could be imported, told from its files: nothing of it is run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from fusionbench.errors import FusionbenchError
from fusionbench.registry import GROUP, MethodSpec, names, plain, spec


@dataclass(frozen=True)
class Plugin:
    """A registered name; ``origin`` is the entry point and distribution, "" for a built-in method."""

    name: str
    origin: str
    problem: str | None = None

    @property
    def built_in(self) -> bool:
        return not self.origin


def plugins() -> list[Plugin]:
    """Return every registered method with the first thing that is wrong with it."""
    installed = {plain(point.name): point for point in entry_points(group=GROUP)}
    return [Plugin(name, _origin(installed.get(name)), _problem(name)) for name in names()]


def _origin(point: EntryPoint | None) -> str:
    if point is None:
        return ""
    return f"{point.value} of {point.dist.name}" if point.dist else point.value


def _problem(name: str) -> str | None:
    try:
        found = spec(name)
        found.config()
        return next(_missing_modules(found), None)
    except FusionbenchError as error:
        return str(error)
    except Exception as error:  # a card or recipe of another maker can be wrong in any way
        return f"{type(error).__name__}: {error}"


def _missing_modules(found: MethodSpec) -> Iterator[str]:
    """Yield a sentence for each module that the method imports in any case and that is not installed."""
    files = sorted(found.source.rglob("*.py")) if found.source.is_dir() else [found.source]
    for path in files:
        for module in sorted(_imported(path)):
            if module not in sys.builtin_module_names and not _installed(module):
                yield f"{path.name} imports '{module}', which is not installed: install it."


def _imported(path: Path) -> set[str]:
    """Return the packages that the top level of a file imports; those in a try or a function may be optional."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise SyntaxError(f"{path} is not valid Python: {error}; mend it") from error
    found = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    found |= {n.module for n in tree.body if isinstance(n, ast.ImportFrom) and n.level == 0 and n.module}
    return {name.partition(".")[0] for name in found}


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
