"""New methods, metrics and data sets, written from the template files of this folder. Loads no torch."""

from __future__ import annotations

import keyword
import os
import re
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import cast

from fusionbench.checks.subjects import kinds_of
from fusionbench.data.own.modalities import MODALITIES, WORDS
from fusionbench.data.own.own_folder import FoundLayout, find_layout, is_folder
from fusionbench.data.registry import datasets
from fusionbench.data.spec import canonical
from fusionbench.data.spec import check_name as dataset_name
from fusionbench.errors import DataNotFoundError, OutputError, RequestError, UnknownNameError
from fusionbench.types import FAMILIES, Family

TEMPLATES = Path(__file__).parent
SUFFIX = ".in"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN = (
    "all",
    "baselines",
    "learned",
    "deep",
    "images",
    "method",
    "metric",
    "dataset",
)  # reserved words of the command line


def new_method(name: str, at: Path = Path(), single_file: bool = False) -> list[Path]:
    """Write a package (or a single file) for a method ``name`` into the folder ``at``, and return the written files.

    Nothing is overwritten. Raises RequestError if the name is not valid or taken, OutputError if the folder cannot be
    written to.
    """
    check_module_name(name)
    target = at / (f"{name}.py" if single_file else name)
    if os.path.lexists(target):
        raise RequestError(f"'{target}' exists already: choose another name, or another folder with --at.")
    files = {target: TEMPLATES / "single.py.in"} if single_file else _package(target, name)
    _write(files, {"name": name, "title": class_name(name), "distribution": name.replace("_", "-")})
    return list(files)


def new_metric(name: str, at: Path = Path()) -> Path:
    """Write a file with a metric ``name`` into the folder ``at``, and return it. Raises the errors of `new_method`."""
    check_module_name(name, "metric")
    target = at / f"{name}.py"
    _write({target: TEMPLATES / "metric.py.in"}, {"name": name, "title": class_name(name)})
    return target


def new_dataset(reference: str, at: Path | None = None, family: str | None = None) -> Path:
    """Write the YAML file of a data set, and return it.

    ``reference`` is the data set's folder or name. For a folder the layout is guessed from the names of its subfolders,
    and the file is written into it unless ``at`` is given. Raises DataNotFoundError for a path without a folder,
    RequestError if the file exists or the name is taken, ConfigError for a name that is not valid, UnknownNameError for an
    unknown family, OutputError if the file cannot be written.
    """
    if family is not None and family not in FAMILIES:
        raise UnknownNameError("family", family, FAMILIES)
    home = Path(reference).expanduser()
    if is_folder(reference) and not home.is_dir():
        raise DataNotFoundError(
            f"Data set folder '{home}' does not exist: give the folder of your images, or a name for a sample to edit."
        )
    layout = _layout(home, family)
    name = dataset_name(canonical(home.resolve().name), f"'{reference}'")
    if name in datasets():
        raise RequestError(
            f"'{reference}' would be called '{name}' like a known data set: choose another name."
        )
    target = (at or (home if home.is_dir() else Path())) / f"{name}.yaml"
    splits = "".join(f'  {split}: {{a: "{a}", b: "{b}"}}\n' for split, (a, b) in layout.splits.items())
    beside = target.parent.resolve() == home.resolve() or not home.is_dir()
    words = {
        "name": name,
        "title": home.resolve().name,
        "family": layout.family,
        "a": layout.a,
        "b": layout.b,
    }
    words |= {
        "ids": layout.ids,
        "splits": splits.rstrip() + ("" if beside else f'\nfolder: "{home.resolve()}"'),
    }
    _write({target: TEMPLATES / "dataset.yaml.in"}, words)
    return target


def _layout(home: Path, family: str | None) -> FoundLayout:
    """Return the layout found in a folder, or a sample layout for the user to edit."""
    try:
        layout = find_layout(home) if home.is_dir() else None
    except DataNotFoundError:
        layout = None
    kind = cast(Family, family or (layout.family if layout else "ir-vis"))
    if layout is not None and layout.family == kind:
        return layout
    words, (a, b) = WORDS[kind], MODALITIES[kind]
    sample = {split: (f"{split}/{words[0][0]}/*", f"{split}/{words[1][0]}/*") for split in ("train", "test")}
    return FoundLayout(kind, a, b, sample, "stem")


def _write(files: dict[Path, Path], words: dict[str, str]) -> None:
    """Write the filled templates. Raises RequestError if a file exists, OutputError if it cannot be written."""
    for path, template in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(Template(template.read_text(encoding="utf-8")).substitute(words))
        except FileExistsError:
            raise RequestError(
                f"'{path}' exists already: choose another name, or another folder with --at."
            ) from None
        except OSError as error:
            raise OutputError(
                f"Cannot write {path} ({error.strerror}): choose another folder with --at."
            ) from error


def check_module_name(name: str, kind: str = "method") -> None:
    """Raise RequestError for a name that is not valid for a module, or that is taken."""
    if not NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        hint = f", as in {near}" if NAME.fullmatch(near) else ""
        raise RequestError(
            f"'{name}' cannot name a {kind}: use small letters, digits and single underscores, a letter first{hint}."
        )
    if keyword.iskeyword(name):
        raise RequestError(f"'{name}' is a word of Python: choose another name.")
    if name in TAKEN:
        raise RequestError(f"'{name}' is a word of fusionbench's command line: choose another name.")
    if kinds := kinds_of(name):
        raise RequestError(f"A {kinds[0]} '{name}' is registered already: choose another name.")
    if _importable(name):
        raise RequestError(f"A Python module '{name}' is installed already: choose another name.")


def class_name(name: str) -> str:
    """Return the name of the class: my_net becomes MyNet."""
    return "".join(part.capitalize() for part in name.split("_"))


def _package(target: Path, name: str) -> dict[Path, Path]:
    """Return the template of each file of a package."""
    root = TEMPLATES / "package"
    templates = sorted(path for path in root.rglob(f"*{SUFFIX}"))
    places = [str(path.relative_to(root)).replace("NAME", name).removesuffix(SUFFIX) for path in templates]
    return {target / place: template for place, template in zip(places, templates, strict=True)}


def _importable(name: str) -> bool:
    """Tell whether a module of this name can be imported; a folder without ``__init__.py`` is not counted."""
    try:
        module = find_spec(name)
    except (ImportError, ValueError):
        return False
    return module is not None and module.origin is not None
