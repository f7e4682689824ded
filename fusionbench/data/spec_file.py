"""Reading and checking the YAML file of a data set, of the catalog, a package or the user."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path, PurePosixPath
from typing import Any

from fusionbench.config import read_yaml
from fusionbench.data.spec import (
    BoxSpec,
    DatasetSpec,
    LabelSpec,
    PrepareSpec,
    SplitSpec,
    StemMarks,
    canonical,
)
from fusionbench.errors import ConfigError, hint
from fusionbench.types import FAMILIES


def read_spec(path: Path) -> DatasetSpec:
    """Return the data set in a YAML file, with the file's stem as its name. Raises ConfigError for wrong content."""
    return read_entry(read_yaml(path), path)


def read_entry(content: Any, path: Path) -> DatasetSpec:
    """Return the data set described by the content of a YAML file. Raises ConfigError for anything not allowed."""
    entry = _checked(DatasetSpec, content, path.name)
    entry["splits"] = _splits(entry["splits"], path.name)
    entry["labels"] = _labels(entry.get("labels"), path.name)
    entry["boxes"] = _boxes(entry.get("boxes"), path.name)
    entry["sources"] = _texts(entry.get("sources", []), "sources", path.name)
    entry["stem_marks"] = _stem_marks(entry.get("stem_marks"), path.name)
    entry["prepare"] = _prepare(entry.get("prepare"), path.name)
    spec = DatasetSpec(name=canonical(path.stem), **entry)
    _check_values(spec, path.name)
    return spec


def _checked(kind: type, entry: Any, where: str) -> dict[str, Any]:
    """Return the mapping if its keys are those that the dataclass allows and requires. Raises ConfigError."""
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} must be a mapping of keys to values; found {type(entry).__name__}.")
    needed = {
        known.name: known.default is known.default_factory is MISSING
        for known in fields(kind)
        if known.name != "name"
    }
    for key in entry:
        if key not in needed:
            raise ConfigError(f"Unknown key '{key}' in {where}: {hint(str(key), list(needed))}")
    for key in needed:
        # YAML reads a key without a value as null
        if needed[key] and entry.get(key) in (None, "", {}, []):
            raise ConfigError(f"{where} lacks '{key}': add the key with a value.")
    return dict(entry)


def _splits(entry: Any, where: str) -> dict[str, SplitSpec]:
    if not isinstance(entry, dict):
        raise ConfigError(f"'splits' in {where} must map names to globs, as in 'test: {{a: ir/*, b: vi/*}}'.")
    splits: dict[str, SplitSpec] = {}
    for name, values in entry.items():
        split = splits[name] = _split(values, f"split '{name}' of {where}")
        if split.learned_on not in ("train", *entry):
            raise ConfigError(
                f"'learned_on' of split '{name}' of {where} is '{split.learned_on}': name one of {', '.join(entry)}."
            )
    return splits


def _split(entry: Any, where: str) -> SplitSpec:
    entry = _checked(SplitSpec, entry, where)
    without = _texts(entry.get("without", []), "without", where)
    split = SplitSpec(**entry | {"part": _interval(entry.get("part"), "part", where), "without": without})
    if split.part and not 0 <= split.part[0] < split.part[1] <= 1:
        raise ConfigError(f"'part' in {where} must lie within [0, 1]; found {list(split.part)}.")
    for glob in (split.a, split.b, split.label or "*", split.boxes or "*"):
        _check_inside(glob, "glob", where)
    # not isinstance, because YAML's true is an int in Python
    if split.count is not None and (type(split.count) is not int or split.count < 1):
        raise ConfigError(
            f"'count' in {where} must be a whole number of pairs or absent; found {split.count!r}."
        )
    return split


def _labels(entry: Any, where: str) -> LabelSpec | None:
    if entry is None:
        return None
    checked = _checked(LabelSpec, entry, f"'labels' of {where}")
    labels = LabelSpec(**{key: _texts(names, key, where) for key, names in checked.items()})
    for kind, names in (("Salient", labels.salient), ("Ignored", labels.ignored)):
        for name in names:
            if name not in labels.classes:
                raise ConfigError(
                    f"{kind} class '{name}' in {where} is not a class: classes are {', '.join(labels.classes)}."
                )
    return labels


def _boxes(entry: Any, where: str) -> BoxSpec | None:
    if entry is None:
        return None
    checked = _checked(BoxSpec, entry, f"'boxes' of {where}")
    aliases = checked.get("aliases") or {}
    boxes = BoxSpec(_texts(checked["classes"], "classes", where), aliases)
    for alias, name in aliases.items() if isinstance(aliases, dict) else [("aliases", aliases)]:
        if name not in boxes.classes:
            raise ConfigError(
                f"Alias '{alias}' in {where} stands for '{name}': map it to one of {', '.join(boxes.classes)}."
            )
    return boxes


def _stem_marks(entry: Any, where: str) -> StemMarks | None:
    if entry is None:
        return None
    marks = StemMarks(**_checked(StemMarks, entry, f"'stem_marks' of {where}"))
    if not (isinstance(marks.a, str) and isinstance(marks.b, str)):
        raise ConfigError(f"'stem_marks' of {where} must be two texts; found {marks.a!r} and {marks.b!r}.")
    return marks


def _prepare(entry: Any, where: str) -> PrepareSpec | None:
    if entry is None:
        return None
    where = f"'prepare' of {where}"
    entry = _checked(PrepareSpec, entry, where)
    values = entry.get("label_values", [])
    if not isinstance(values, list) or any(
        type(value) is not int or not 0 <= value <= 255 for value in values
    ):
        raise ConfigError(f"'label_values' in {where} must be whole numbers from 0 to 255; found {values!r}.")
    read = {"decibel": _interval(entry.get("decibel"), "decibel", where), "label_values": tuple(values)}
    prepare = PrepareSpec(**entry | read)
    for glob in (prepare.a, prepare.b, prepare.label or "*"):
        _check_inside(glob, "glob", where)
    if prepare.patch is not None and (type(prepare.patch) is not int or prepare.patch < 1):
        raise ConfigError(
            f"'patch' in {where} must be a number of pixels or absent; found {prepare.patch!r}."
        )
    return prepare


def _interval(entry: Any, key: str, where: str) -> tuple[float, float] | None:
    if entry is None:
        return None
    numbers = isinstance(entry, list) and len(entry) == 2 and {type(item) for item in entry} <= {int, float}
    if not numbers or not entry[0] < entry[1]:
        raise ConfigError(f"'{key}' in {where} must be two numbers, [low, high]; found {entry!r}.")
    return float(entry[0]), float(entry[1])


def _texts(entry: Any, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(entry, list) or not all(isinstance(item, str) for item in entry):
        raise ConfigError(f"'{key}' in {where} must be a list of texts (quote what YAML reads otherwise).")
    return tuple(entry)


def _check_values(spec: DatasetSpec, where: str) -> None:
    """Raise ConfigError for values that would otherwise cause an error later and elsewhere."""
    if spec.family not in FAMILIES:
        raise ConfigError(f"'family' in {where} must be one of {', '.join(FAMILIES)}; found '{spec.family}'.")
    for key in ("title", "a", "b", "licence", "citation", "url", "quirks"):
        if not isinstance(getattr(spec, key), str):
            raise ConfigError(f"'{key}' in {where} must be text; found {getattr(spec, key)!r}.")
    if spec.doi is not None and not str(spec.doi).startswith("10."):
        raise ConfigError(f"'doi' in {where} must begin with '10.'; found '{spec.doi}'.")
    if type(spec.generated) is not bool:
        raise ConfigError(f"'generated' in {where} must be true or false; found {spec.generated!r}.")
    if spec.ids not in ("stem", "path"):
        raise ConfigError(f"'ids' in {where} must be 'stem' or 'path'; found '{spec.ids}'.")
    _check_inside(spec.folder, "folder", where)


def _check_inside(path: Any, what: str, where: str) -> None:
    if not isinstance(path, str) or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ConfigError(f"The {what} '{path}' in {where} must be a relative path without '..'.")
