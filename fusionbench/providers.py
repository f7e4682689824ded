"""Entry points of installed packages and the files of their modules, found without running code of the packages."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from importlib.util import find_spec
from pathlib import Path

from fusionbench.errors import PluginError

GROUPS = METHODS, DATASETS, METRICS = "fusionbench.methods", "fusionbench.datasets", "fusionbench.metrics"


@dataclass(frozen=True)
class Provider:
    """One entry point; ``value`` is a module or, for a method, also ``module:Class``.

    ``place`` is the folder in which the package is installed.
    """

    name: str
    value: str
    package: str
    place: str

    def __str__(self) -> str:
        return f"{self.value} of {self.package}"

    @property
    def module(self) -> str:
        return self.value.partition(":")[0].strip()


def damaged_packages() -> tuple[str, ...]:
    """Return a sentence for each installed package whose entry points cannot be read; all other packages are used."""
    return _scan(tuple(sys.path))[1]


def providers(group: str) -> tuple[Provider, ...]:
    """Return the entry points of a group, of all packages on the import path of this process, sorted by name."""
    return _scan(tuple(sys.path))[0][group]


def _name(package: Distribution) -> str | None:
    try:
        return package.name
    except Exception:  # metadata may be missing or undecodable
        return None


@cache
def _scan(path: tuple[str, ...]) -> tuple[dict[str, tuple[Provider, ...]], tuple[str, ...]]:
    """Return the providers of each group, and a sentence for each package whose entry points cannot be read.

    Cached for each state of the import path, because a scan takes tens of milliseconds.
    """
    points: Iterable[EntryPoint]
    damaged: tuple[str, ...] = ()
    try:
        every = entry_points()  # once: with a group given it would scan all packages anew for each
        points = [point for group in GROUPS for point in every.select(group=group)]
    except Exception:  # damaged metadata of one package, which must not hide the others
        points, damaged = _one_by_one()
    by_group: dict[str, list[Provider]] = {group: [] for group in GROUPS}
    for point in points:
        if point.group in by_group:
            package = (point.dist and _name(point.dist)) or "an unnamed package"
            place = str(point.dist.locate_file("")) if point.dist else ""
            by_group[point.group].append(Provider(point.name, point.value, package, place))
    return {
        group: tuple(sorted(members, key=lambda p: (p.name, str(p)))) for group, members in by_group.items()
    }, damaged


def _one_by_one() -> tuple[list[EntryPoint], tuple[str, ...]]:
    by_package: dict[str, list[EntryPoint]] = {}
    damaged = []
    for package in distributions():
        name = _name(package) or f"a package in {package.locate_file('')}"
        try:
            # of several installations of a package the first on the path counts, as for an import
            by_package.setdefault(re.sub(r"[-_.]+", "-", name).lower(), list(package.entry_points))
        except Exception as error:  # of any kind
            damaged.append(f"Entry points of {name} cannot be read ({error}): install it again or remove it.")
    return [point for points in by_package.values() for point in points], tuple(damaged)


def module_source(module: str) -> Path:
    """Return a module's file, or its folder if it is a package, without importing it.

    ``module`` may also be the path of a Python file. Raises PluginError if there is no such module.
    """
    if module.endswith(".py"):
        return Path(module)
    # find_spec of a dotted name would import its parents, so only the top package is looked up, the rest as files
    top, *rest = module.split(".")
    try:
        module_spec = find_spec(top)
    except (ImportError, ValueError):
        module_spec = None
    if module_spec is None or (module_spec.origin is None and not module_spec.submodule_search_locations):
        raise PluginError(
            f"Module '{top}' cannot be found: install its package, or run where it can be imported."
        )
    if not rest:
        folders = list(module_spec.submodule_search_locations or [])  # a namespace package has no origin
        return Path(folders[0]) if folders else Path(str(module_spec.origin))
    for folder in map(Path, module_spec.submodule_search_locations or []):
        base = folder.joinpath(*rest)
        if base.is_dir():
            return base
        if base.with_suffix(".py").is_file():
            return base.with_suffix(".py")
    raise PluginError(f"Module '{module}' cannot be found inside '{top}': check its spelling.")


def module_file(module: str) -> Path:
    """Return the file with a module's text, for a package its ``__init__.py``. Raises PluginError if there is none."""
    source = module_source(module)
    path = source / "__init__.py" if source.is_dir() else source
    if not path.is_file():
        raise PluginError(f"Module '{module}' has no file {path}: name a module that has one.")
    return path


PACKAGE = Path(__file__).resolve().parent


def share(name: str) -> Path:
    """Return the folder ``methods``, ``benchmarks`` or ``leaderboards/reported``, in the wheel or in the checkout."""
    shipped = PACKAGE / "_share" / name
    return shipped if shipped.is_dir() else PACKAGE.parent / name
