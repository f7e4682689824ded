"""Finding a data set by name in the catalog, in installed packages and among the user's own files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fusionbench.data.own.own_folder import is_folder, read_folder
from fusionbench.data.own.user_file import is_user_file, read_user_file
from fusionbench.data.plugins import DatasetPlugins, read_plugins
from fusionbench.data.spec import DatasetSpec, canonical
from fusionbench.data.spec_file import read_spec
from fusionbench.errors import PluginError, UnknownNameError
from fusionbench.providers import DATASETS, Provider, providers

CATALOG = Path(__file__).parent / "catalog"
# the user's own data sets that this process has read, by name; a later one replaces an earlier one of the same name
_OWN: dict[str, DatasetSpec] = {}


def datasets() -> dict[str, DatasetSpec]:
    """Return every data set of the catalog by name, then the usable ones of installed packages.

    Raises ConfigError if an entry of the catalog has an unknown or missing key or a value that is not allowed.
    """
    return {**_catalog(), **_plugins().specs}


def dataset(name: str) -> DatasetSpec:
    """Return a data set by name, or by the path of a YAML file or folder of the user.

    Case is ignored, and hyphens equal underscores. A data set of the user, once read, is also known by its name. Raises
    UnknownNameError with the nearest name, PluginError for an unusable entry of a package or one with two providers, and
    as `read_user_file` and `read_folder` do.
    """
    if is_user_file(name) or is_folder(name):
        read = read_user_file if is_user_file(name) else read_folder
        own = read(Path(name.strip()).expanduser(), frozenset(datasets()))
        _OWN[own.name] = own  # known by its name from now on, as records store names only
        return own
    asked, known = canonical(name), datasets()
    if asked in _plugins().problems:
        raise PluginError(_plugins().problems[asked])
    spec = known.get(asked) or _OWN.get(asked)
    if spec is None:
        raise UnknownNameError("data set", name, known)
    return spec


def problems() -> dict[str, str]:
    """Return, by name, why data sets of installed packages cannot be used."""
    return dict(_plugins().problems)


@cache
def _catalog() -> Mapping[str, DatasetSpec]:
    specs = [*map(read_spec, sorted(CATALOG.glob("*.yaml")))]
    return {spec.name: spec for spec in specs}


def _plugins() -> DatasetPlugins:
    return _plugins_of(providers(DATASETS))


@cache
def _plugins_of(providers: tuple[Provider, ...]) -> DatasetPlugins:
    return read_plugins(providers, _catalog())
