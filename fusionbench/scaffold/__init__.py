"""Write a new method from the template files of this folder; loads no torch."""

from __future__ import annotations

import keyword
import os
import re
from importlib.util import find_spec
from pathlib import Path
from string import Template

from fusionbench.checks.subjects import kinds_of
from fusionbench.errors import OutputError, RequestError

TEMPLATES = Path(__file__).parent
SUFFIX = ".in"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN = ("all", "baselines", "learned", "images", "method", "metric", "dataset")  # words of the command line


def new_method(name: str, at: Path = Path(), single_file: bool = False) -> list[Path]:
    """Write a package (or one file) for a method ``name`` into the folder ``at`` and return the files written.

    Nothing is ever overwritten. Raises RequestError for a name that cannot be used or is taken, OutputError where
    the folder cannot be written to.
    """
    check_name(name)
    target = at / (f"{name}.py" if single_file else name)
    if os.path.lexists(target):
        raise RequestError(f"'{target}' exists already: choose another name, or another folder with --at.")
    files = {target: TEMPLATES / "single.py.in"} if single_file else _package(target, name)
    words = {"name": name, "title": class_name(name), "distribution": name.replace("_", "-")}
    try:
        for path, template in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(Template(template.read_text(encoding="utf-8")).substitute(words))
    except OSError as error:
        raise OutputError(
            f"Cannot write {path} ({error.strerror}): choose another folder with --at."
        ) from error
    return list(files)


def check_name(name: str) -> None:
    """Raise RequestError for a name that is no module's, or that something has already."""
    if not NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        hint = f", as in {near}" if NAME.fullmatch(near) else ""
        raise RequestError(
            f"'{name}' cannot name a method: use small letters, digits and single underscores, a letter first{hint}."
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
    """Return the class's name: my_net becomes MyNet."""
    return "".join(part.capitalize() for part in name.split("_"))


def _package(target: Path, name: str) -> dict[Path, Path]:
    """Return the template of each file of a package."""
    root = TEMPLATES / "package"
    templates = sorted(path for path in root.rglob(f"*{SUFFIX}"))
    places = [str(path.relative_to(root)).replace("NAME", name).removesuffix(SUFFIX) for path in templates]
    return {target / place: template for place, template in zip(places, templates, strict=True)}


def _importable(name: str) -> bool:
    """Tell whether a module has the name; a mere folder of this name somewhere does not count."""
    try:
        found = find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None
