"""Registered methods, data sets and metrics with their problems, found without running their code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fusionbench.data import registry as catalog
from fusionbench.data.spec import canonical
from fusionbench.errors import FusionbenchError
from fusionbench.metrics import registry as metric_registry
from fusionbench.providers import DATASETS, METHODS, METRICS, module_file, providers
from fusionbench.registry.cards import parsed_source
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.registry.methods import names, spec
from fusionbench.spelling import folded


@dataclass(frozen=True)
class Plugin:
    """A registered name; ``origin`` is its entry point and package, empty for a built-in method."""

    name: str
    origin: str
    problem: str | None = None

    @property
    def built_in(self) -> bool:
        return not self.origin


def plugins() -> list[Plugin]:
    """Return every registered method with its first problem."""
    origins = {folded(provider.name): str(provider) for provider in providers(METHODS)}
    return [Plugin(name, origins.get(name, ""), _problem(name)) for name in names()]


def dataset_plugins() -> list[Plugin]:
    """Return the data sets of installed packages with their problems."""
    origins = {canonical(p.name): str(p) for p in providers(DATASETS)}
    return [Plugin(name, origin, catalog.problems().get(name)) for name, origin in origins.items()]


def metric_plugins() -> list[Plugin]:
    """Return the metrics of installed packages, and one entry without a name for each module that cannot be used."""
    origin = {provider.module: str(provider) for provider in providers(METRICS)}
    metrics = []
    for name in metric_registry.cards():
        if module := metric_registry.provider_of(name):
            lacks = next(_lacking([module_file(module)]), None)
            metrics.append(Plugin(name, origin[module], lacks))
    return metrics + [Plugin("", "?", problem) for problem in metric_registry.problems()]


def _problem(name: str) -> str | None:
    try:
        method = spec(name)
        method.config()
        return next(_missing_modules(method), None)
    except FusionbenchError as error:
        return str(error)
    except Exception as error:  # cards and recipes of third parties can be wrong in any way
        return f"{type(error).__name__}: {error}"


def _missing_modules(method: MethodSpec) -> Iterator[str]:
    """Yield a sentence for each module that the method always imports and that is not installed."""
    return _lacking(sorted(method.source.rglob("*.py")) if method.source.is_dir() else [method.source])


def _lacking(files: list[Path]) -> Iterator[str]:
    for path in files:
        for module in sorted(_imported(path)):
            if module not in sys.builtin_module_names and not _installed(module):
                yield f"{path.name} imports '{module}', which is not installed: install it."


def _imported(path: Path) -> set[str]:
    """Return the packages imported at a file's top level; imports in a ``try`` or a function may be optional."""
    tree = parsed_source(path)
    modules = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    modules |= {n.module for n in tree.body if isinstance(n, ast.ImportFrom) and n.level == 0 and n.module}
    return {name.partition(".")[0] for name in modules}


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
