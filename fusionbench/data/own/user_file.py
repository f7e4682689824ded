"""Data sets of the user given as a YAML file in the form of the catalog, with fewer required keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fusionbench.config import read_yaml
from fusionbench.data.own.modalities import MODALITIES
from fusionbench.data.spec import DatasetSpec, canonical, check_name
from fusionbench.data.spec_file import read_entry
from fusionbench.errors import ConfigError, DataNotFoundError

SUFFIXES = (".yaml", ".yml")


def is_user_file(reference: str) -> bool:
    """Tell whether a data set is given by the path of a YAML file rather than by name."""
    return reference.strip().lower().endswith(SUFFIXES)


def read_user_file(path: Path, taken: frozenset[str]) -> DatasetSpec:
    """Return the data set in a file with at least ``title``, ``family`` and ``splits``; its name is the file's stem.

    Without ``folder`` the globs are relative to the YAML file's own folder; a relative ``folder`` is below the data root,
    as in the catalog. ``taken`` are names that the stem must not have. Raises DataNotFoundError if there is no such file
    and ConfigError if its content is not allowed.
    """
    if not path.is_file():
        raise DataNotFoundError(f"Data set file '{path}' does not exist: check the path in --dataset.")
    name = check_name(canonical(path.stem), f"The file '{path}'")
    if name in taken:
        raise ConfigError(
            f"'{path}' would be called '{name}' like a data set of the catalog: rename the file."
        )
    entry = read_yaml(path)
    folder = entry.pop("folder", None)
    spec = read_entry({**_defaults(entry.get("family")), **entry, "folder": _inside(folder)}, path)
    if spec.generated:
        raise ConfigError(f"'generated' in {path.name} is for fusionbench's own scenes: leave it out.")
    return spec if _below_data_root(folder) else replace(spec, folder=str(_own_folder(folder, path)))


def _defaults(family: Any) -> dict[str, Any]:
    a, b = MODALITIES.get(family, ("a", "b"))
    unsaid = dict.fromkeys(("licence", "citation", "url", "quirks"), "not stated")
    return {**unsaid, "a": a, "b": b}


def _below_data_root(folder: Any) -> bool:
    return isinstance(folder, str) and not Path(folder).expanduser().is_absolute()


def _inside(folder: Any) -> str:
    """Return the ``folder`` for the catalog's check, which accepts relative paths only: others are replaced by "."."""
    return folder if _below_data_root(folder) else "."


def _own_folder(folder: Any, path: Path) -> Path:
    if folder is None:
        return path.resolve().parent
    if not isinstance(folder, str):
        raise ConfigError(f"'folder' in {path.name} must be text; found {folder!r}.")
    return Path(folder).expanduser()
