"""Finding a data set by name in the catalog, in installed packages and among the user's own files.

A package registers a data set as an entry point; the data set itself is a YAML file in the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fusionbench.data.own.own_folder import is_folder, read_folder
from fusionbench.data.own.user_file import is_user_file, read_user_file
from fusionbench.data.spec import DatasetSpec, canonical
from fusionbench.data.spec_file import read_spec
from fusionbench.errors import FusionbenchError, PluginError, UnknownNameError
from fusionbench.providers import DATASETS, Provider, module_source, providers
from fusionbench.spelling import folded

CATALOG = Path(__file__).parent / "catalog"
# the user's own data sets that this process has read, by name; a later one replaces an earlier one of the same name
_OWN: dict[str, DatasetSpec] = {}


class KnownDatasets(NamedTuple):
    """The data sets by name, the catalog's first; ``problems`` says, by name, why one of a package cannot be used."""

    specs: Mapping[str, DatasetSpec]
    problems: Mapping[str, str]


def datasets() -> dict[str, DatasetSpec]:
    """Return every data set of the catalog by name, then the usable ones of installed packages.

    Raises ConfigError if an entry of the catalog has an unknown or missing key or a value that is not allowed.
    """
    return dict(_known(providers(DATASETS)).specs)


def dataset(name: str) -> DatasetSpec:
    """Return a data set by name, or by the path of a YAML file or folder of the user.

    Case is ignored, and hyphens equal underscores. A data set of the user, once read, is also known by its name. Raises
    UnknownNameError with the nearest name or the path of a folder of this name, PluginError for an unusable entry of a package or one with two providers, and
    as `read_user_file` and `read_folder` do.
    """
    if is_user_file(name) or is_folder(name):
        read = read_user_file if is_user_file(name) else read_folder
        own = read(Path(name.strip()).expanduser(), frozenset(datasets()))
        _OWN[own.name] = own  # known by its name from now on, as records store names only
        return own
    asked, known = canonical(name), _known(providers(DATASETS))
    if asked in known.problems:
        raise PluginError(known.problems[asked])
    spec = known.specs.get(asked) or _OWN.get(asked)
    if spec is None:
        folder = Path(name.strip())
        raise UnknownNameError("data set", name, [f"./{folder}"] if folder.is_dir() else known.specs)
    return spec


def problems() -> dict[str, str]:
    """Return, by name, why data sets of installed packages cannot be used."""
    return dict(_known(providers(DATASETS)).problems)


@cache
def _known(providers: tuple[Provider, ...]) -> KnownDatasets:
    """Return the data sets of the catalog, whose names cannot be taken, and of all providers.

    An error in one provider does not affect the others.
    """
    specs = {spec.name: spec for spec in map(read_spec, sorted(CATALOG.glob("*.yaml")))}
    claims: dict[str, list[Provider]] = {}
    for provider in providers:
        claims.setdefault(canonical(provider.name), []).append(provider)
    problems: dict[str, str] = {}
    for name, claimants in claims.items():
        said = [*(["fusionbench itself"] if name in specs else []), *sorted(map(str, claimants))]
        if len(said) > 1:
            problems[name] = (
                f"Data set '{name}' has two providers, {' and '.join(said)}: uninstall or rename one."
            )
            continue
        try:
            specs[name] = _of_package(claimants[0])
        except Exception as error:  # entries of third parties can be wrong in any way
            reason = str(error) if isinstance(error, FusionbenchError) else f"{type(error).__name__}: {error}"
            package = claimants[0].package
            problems[name] = (
                f"Data set '{name}' of {package} cannot be used: {reason.rstrip('.')}; fix or uninstall {package}."
            )
    return KnownDatasets(specs, problems)


def _of_package(provider: Provider) -> DatasetSpec:
    """Return the data set in a package's YAML file, which is named after the entry point and lies in the module's folder.

    Raises PluginError if there is no such file, and ConfigError as `read_spec` does.
    """
    source, name = module_source(provider.module), canonical(provider.name)
    folder = source if source.is_dir() else source.parent
    files = [folder / f"{stem}.yaml" for stem in (name, folded(name))]
    path = next((path for path in files if path.is_file()), None)
    if path is None:
        raise PluginError(f"there is no {name}.yaml in {folder}: add it, as package data")
    spec = read_spec(path)
    if spec.generated:
        raise PluginError("'generated' is for fusionbench's own scenes: leave it out")
    return spec
