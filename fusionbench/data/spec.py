"""What a data set is, read from one YAML file each in ``catalog/``. Nothing here opens an image."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import yaml

from fusionbench.errors import ConfigError, FusionbenchError, PluginError, UnknownNameError
from fusionbench.providers import DATASETS, Provider, module_source, providers
from fusionbench.types import FAMILIES, Family

CATALOG = Path(__file__).parent / "catalog"
_NAME = re.compile(r"\w[\w.+-]*")
_OWN: dict[
    str, DatasetSpec
] = {}  # data sets of the user's own that this process has read, the last one of a name


@dataclass(frozen=True)
class SplitSpec:
    """Where the images of a split lie: globs below the data set's folder, and the official number of pairs.

    The files of the globs are matched by their stem: ``test/ir/*`` with ``test/vi/*``. ``count`` is None
    where the publisher names no number; ``label`` where there are no label maps, ``boxes`` where there are no
    bounding boxes: text files (YOLO), XML files (Pascal VOC) or label maps whose objects become boxes. ``part`` draws
    a split out of folders that hold all pairs: the ids whose ``pairs.position`` lies in [part[0], part[1]), and of
    more than ``count`` of them those of the lowest positions. ``learned_on`` names the split that methods are trained on
    where this one is fused. ``without`` are ids that the folders hold and the split must not, such as another split's.
    """

    a: str
    b: str
    label: str | None = None
    boxes: str | None = None
    count: int | None = None
    part: tuple[float, float] | None = None
    learned_on: str = "train"
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSpec:
    """The classes of the label maps: a pixel's number is the position of its class in ``classes``.

    Pixels of the ``ignored`` classes take no part in training or scoring a segmentation.
    """

    classes: tuple[str, ...]
    salient: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def salient_numbers(self) -> tuple[int, ...]:
        """Return the pixel values that count as a salient object."""
        return tuple(self.classes.index(name) for name in self.salient)


@dataclass(frozen=True)
class BoxSpec:
    """The classes of the bounding boxes: a YOLO line's number is the position of its class in ``classes``.

    ``aliases`` maps other names of the classes, as XML files and papers have them, to those in ``classes``.
    """

    classes: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def number_of(self, name: str) -> int | None:
        """Return the number of a class by its name or an alias, whatever the case; None for an unknown one."""
        known = {other.casefold(): target for other, target in self.aliases.items()}
        names = [own.casefold() for own in self.classes]
        asked = known.get(name.casefold(), name).casefold()
        return names.index(asked) if asked in names else None


@dataclass(frozen=True)
class PrepareSpec:
    """What ``data prepare`` makes 8-bit images of, which it writes to the folders of the test split.

    ``a`` and ``b`` are globs of GeoTIFFs below the data set's folder. ``patch`` is the side of the patches
    that each scene is tiled into, without overlap (None: whole scenes). ``decibel`` is the range, low and
    high, that a's first band is mapped from to 0..255; None where a is no backscatter in dB. ``label`` is a glob of
    label maps, tiled alike where they are there; ``label_values`` are the pixel values of the classes in their order.
    """

    a: str
    b: str
    patch: int | None = None
    decibel: tuple[float, float] | None = None
    label: str | None = None
    label_values: tuple[int, ...] = ()


@dataclass(frozen=True)
class StemMarks:
    """The texts in which the stems of partners differ; an id has ``_`` in their place."""

    a: str
    b: str


@dataclass(frozen=True)
class DatasetSpec:
    """One entry of the catalog.

    ``a`` names the one-channel source, ``b`` the one whose colour the result inherits. ``folder`` is relative
    to the data root. ``citation`` is BibTeX; ``sources`` are addresses the images can be had from; ``quirks``
    is what a user has to know. ``generated`` data sets are made by our own code where the folder is absent.
    ``stem_marks`` and ``prepare`` are None where partners share their stem and images are read as published.
    ``ids`` says what names a pair: the stem of its files, or, where stems repeat in the folders that a glob's
    wildcards span, these folders and the stem, joined by ``_`` ("path").
    """

    name: str
    title: str
    family: Family
    a: str
    b: str
    folder: str
    splits: Mapping[str, SplitSpec]
    licence: str
    citation: str
    url: str
    quirks: str
    doi: str | None = None
    labels: LabelSpec | None = None
    boxes: BoxSpec | None = None
    sources: tuple[str, ...] = ()
    generated: bool = False
    stem_marks: StemMarks | None = None
    prepare: PrepareSpec | None = None
    ids: Literal["stem", "path"] = "stem"


def datasets() -> dict[str, DatasetSpec]:
    """Return every data set of the catalog by name, then those that installed packages bring and that are sound.

    Raises ConfigError where an entry of the catalog has an unknown or missing key or a value that is not allowed.
    """
    return {**_catalog(), **_foreign().specs}


def dataset(name: str) -> DatasetSpec:
    """Return one data set by its name, or by the path of a YAML file or a folder of the user's own.

    Case does not matter and hyphen equals underscore. A data set of the user's own, once read, is known by its name as
    well. Raises UnknownNameError with the nearest name, PluginError where a package brings an unusable entry of that name
    or one that another provider has, too, and what `read_user_file` and `read_folder` raise.
    """
    own = _own(name)
    if own is not None:
        return own
    asked = canonical(name)
    if asked in _foreign().problems:
        raise PluginError(_foreign().problems[asked])
    spec = datasets().get(asked) or _OWN.get(asked)
    if spec is None:
        raise UnknownNameError("data set", name, datasets())
    return spec


def _own(reference: str) -> DatasetSpec | None:
    """Read a data set of the user's own, if one is asked for, and remember it: records keep only its name."""
    from fusionbench.data.own.own_folder import is_folder, read_folder  # they build on this module
    from fusionbench.data.own.user_file import is_user_file, read_user_file

    path, taken = Path(reference.strip()).expanduser(), frozenset(datasets())
    if is_user_file(reference):
        spec = read_user_file(path, taken)
    elif is_folder(reference):
        spec = read_folder(path, taken)
    else:
        return None
    _OWN[spec.name] = spec
    return spec


def problems() -> dict[str, str]:
    """Return by name why data sets of installed packages cannot be used."""
    return dict(_foreign().problems)


def read_spec(path: Path) -> DatasetSpec:
    """Read one catalog entry; the file's stem is the data set's name. Raises ConfigError."""
    return read_entry(read_yaml(path), path)


def read_yaml(path: Path) -> Any:
    """Read a YAML file. Raises ConfigError where it is none."""
    loader = getattr(
        yaml, "CSafeLoader", yaml.SafeLoader
    )  # the C one is ten times faster, where it was built
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not readable YAML: {' '.join(str(error).split())}.") from error


def read_entry(content: Any, path: Path) -> DatasetSpec:
    """Check what a YAML file holds and return the data set it describes. Raises ConfigError."""
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


@cache
def _catalog() -> Mapping[str, DatasetSpec]:
    return {spec.name: spec for spec in map(read_spec, sorted(CATALOG.glob("*.yaml")))}


def _foreign() -> Foreign:
    return _foreign_of(providers(DATASETS))


@cache
def _foreign_of(providers: tuple[Provider, ...]) -> Foreign:

    return read_foreign(providers, _catalog())


def check_name(name: str, what: str) -> str:
    """Return the name if it can be a folder's in runs/. Raises ConfigError; ``what`` is called so."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what} cannot name a data set ('{name}'): rename it, using letters, digits and the signs . + - only."
        )
    return name


def canonical(name: str) -> str:
    """Return a data set's name as it is stored and compared."""
    return name.strip().lower().replace("_", "-")


def _checked(kind: type, entry: Any, where: str) -> dict[str, Any]:
    """Return the mapping if its keys are those that the dataclass allows and needs."""
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} must be a mapping of keys to values; found {type(entry).__name__}.")
    needed = {
        known.name: known.default is known.default_factory is MISSING
        for known in fields(kind)
        if known.name != "name"
    }
    for key in entry:
        if key not in needed:
            near = get_close_matches(str(key), needed, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"allowed are: {', '.join(needed)}."
            raise ConfigError(f"Unknown key '{key}' in {where}: {hint}")
    for key in needed:
        if needed[key] and entry.get(key) in (None, "", {}, []):
            raise ConfigError(f"{where} lacks '{key}': add the key with a value.")
    return dict(entry)


def _splits(entry: Any, where: str) -> dict[str, SplitSpec]:
    if not isinstance(entry, dict):
        raise ConfigError(f"'splits' in {where} must map names to globs, as in 'test: {{a: ir/*, b: vi/*}}'.")
    splits = {name: _split(split, f"split '{name}' of {where}") for name, split in entry.items()}
    for name, split in splits.items():
        if split.learned_on != "train" and split.learned_on not in splits:
            raise ConfigError(
                f"'learned_on' of split '{name}' of {where} is '{split.learned_on}': name one of {', '.join(splits)}."
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
                    f"{kind} class '{name}' in {where} is no class: classes are {', '.join(labels.classes)}."
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
    """Refuse values that would only fail later and elsewhere."""
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


@dataclass
class Foreign:
    """What the packages bring; ``problems`` says by name why a data set cannot be used."""

    specs: dict[str, DatasetSpec] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read_foreign(providers: Iterable[Provider], own: Mapping[str, DatasetSpec]) -> Foreign:
    """Read the entries of all providers; ``own`` are the built-in ones, which keep their names.

    What is wrong with one provider changes nothing for the others.
    """
    foreign = Foreign()
    claims: dict[str, list[Provider]] = {}
    for provider in providers:
        claims.setdefault(canonical(provider.name), []).append(provider)
    for name, claimants in claims.items():
        said = [*(["fusionbench itself"] if name in own else []), *sorted(map(str, claimants))]
        if len(said) > 1:
            foreign.problems[name] = (
                f"Data set '{name}' has two providers, {' and '.join(said)}: uninstall or rename one."
            )
            continue
        _guarded(foreign, name, claimants[0], _entry)
    return foreign


def _guarded(
    foreign: Foreign, name: str, provider: Provider, read: Callable[[Provider], DatasetSpec]
) -> None:
    try:
        foreign.specs[name] = read(provider)
    except Exception as error:  # an entry of another maker can be wrong in any way
        reason = str(error) if isinstance(error, FusionbenchError) else f"{type(error).__name__}: {error}"
        foreign.problems[name] = (
            f"Data set '{name}' of {provider.package} cannot be used: {reason.rstrip('.')}; mend or uninstall "
            f"{provider.package}."
        )


def _entry(provider: Provider) -> DatasetSpec:
    spec = read_spec(entry_file(provider))
    if spec.generated:
        raise PluginError("'generated' is for fusionbench's own scenes: leave it out")
    return spec


def entry_file(provider: Provider) -> Path:
    """Return the YAML file of an entry point: named after it, in the module's folder. Raises PluginError."""
    source = module_source(provider.module)
    folder = source if source.is_dir() else source.parent
    name = canonical(provider.name)
    for stem in (name, name.replace("-", "_")):
        if (folder / f"{stem}.yaml").is_file():
            return folder / f"{stem}.yaml"
    raise PluginError(f"there is no {name}.yaml in {folder}: add it, as package data")
