"""Data sets of installed packages, registered as entry points, each a YAML file in the package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fusionbench.data.spec import DatasetSpec, canonical
from fusionbench.data.spec_file import read_spec
from fusionbench.errors import FusionbenchError, PluginError
from fusionbench.providers import Provider, module_source
from fusionbench.spelling import folded


@dataclass
class DatasetPlugins:
    """The data sets of installed packages; ``problems`` says, by name, why a data set cannot be used."""

    specs: dict[str, DatasetSpec] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read_plugins(providers: Iterable[Provider], own: Mapping[str, DatasetSpec]) -> DatasetPlugins:
    """Return the data sets of all providers; ``own`` are the built-in ones, whose names cannot be taken.

    An error in one provider does not affect the others.
    """
    plugins = DatasetPlugins()
    claims: dict[str, list[Provider]] = {}
    for provider in providers:
        claims.setdefault(canonical(provider.name), []).append(provider)
    for name, claimants in claims.items():
        said = [*(["fusionbench itself"] if name in own else []), *sorted(map(str, claimants))]
        if len(said) > 1:
            plugins.problems[name] = (
                f"Data set '{name}' has two providers, {' and '.join(said)}: uninstall or rename one."
            )
            continue
        _guarded(plugins, name, claimants[0], _entry)
    return plugins


def _guarded(
    plugins: DatasetPlugins, name: str, provider: Provider, read: Callable[[Provider], DatasetSpec]
) -> None:
    try:
        plugins.specs[name] = read(provider)
    except Exception as error:  # entries of third parties can be wrong in any way
        reason = str(error) if isinstance(error, FusionbenchError) else f"{type(error).__name__}: {error}"
        plugins.problems[name] = (
            f"Data set '{name}' of {provider.package} cannot be used: {reason.rstrip('.')}; fix or uninstall "
            f"{provider.package}."
        )


def _entry(provider: Provider) -> DatasetSpec:
    spec = read_spec(entry_file(provider))
    if spec.generated:
        raise PluginError("'generated' is for fusionbench's own scenes: leave it out")
    return spec


def entry_file(provider: Provider) -> Path:
    """Return the YAML file of an entry point, named after it, in the module's folder. Raises PluginError if missing."""
    source = module_source(provider.module)
    folder = source if source.is_dir() else source.parent
    name = canonical(provider.name)
    for stem in (name, folded(name)):
        if (folder / f"{stem}.yaml").is_file():
            return folder / f"{stem}.yaml"
    raise PluginError(f"there is no {name}.yaml in {folder}: add it, as package data")
