"""Finding methods by name, file, class or folder of images. Listing does not import them.

A reference is ``name``, ``name@variant`` (several as ``name@v1@v2``, or with + between them), ``./file.py[:Class]``,
``package.module:Class``, ``./folder`` (whose card.yaml names a command), ``images:DIR`` or ``images:DIR=NAME``. Case of
names is ignored, and hyphens equal underscores.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.errors import DataNotFoundError, PluginError, RequestError, UnknownNameError
from fusionbench.providers import METHODS, module_source, providers, share
from fusionbench.registry.cards import Card, literal, parsed_source, read_card, results_card
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.spelling import folded
from fusionbench.types import FAMILIES

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod

BUILT_IN = "fusionbench.methods"
FILE = re.compile(r"(?P<path>.+?\.py)(?::(?P<class>\w+))?(?:@(?P<variants>[^/]+))?")


def names() -> list[str]:
    """Return the names of all registered methods, built-in and installed, sorted."""
    return sorted({*_built_in(), *(folded(provider.name) for provider in providers(METHODS))})


def spec(reference: str) -> MethodSpec:
    """Return the method that a reference names, without importing it.

    Raises UnknownNameError (with the nearest name, or how to refer to a file of this name), PluginError (no such file, no card, two providers), DataNotFoundError
    (no such folder of images) and RequestError (a malformed reference).
    """
    reference = reference.strip()
    if reference.lower().startswith("images:"):
        return _images(reference)
    if parts := FILE.fullmatch(reference):
        return _file(reference, parts)
    base, _, variants = reference.partition("@")
    if base.startswith((".", "/", "~")):
        return _folder(reference)
    if ":" in base:
        return _class(reference, base, variants)
    return _registered(reference, base, variants)


def card(reference: str) -> Card:
    """Return a method's card without importing the method. Raises as `spec`."""
    return spec(reference).card


def load(reference: str, **arguments: Any) -> FusionMethod:
    """Return a method with initial parameters; ``arguments`` win over those of the variant and the recipe.

    Raises as `spec` and as `MethodSpec.build`.
    """
    method = spec(reference)
    return method.build({**method.config().args, **arguments})


def _built_in() -> dict[str, Path]:
    folder = share("methods")
    singles = {p.stem: p for p in folder.glob("*.py") if not p.name.startswith("_")}
    # a folder is a method by its card: caches, and folders that a checkout of another commit left, have none
    return singles | {p.parent.name: p.parent for p in folder.glob("*/card.yaml")}


def _registered(reference: str, base: str, chosen: str) -> MethodSpec:
    name = folded(base)
    built_in = _built_in().get(name)
    installed = [provider for provider in providers(METHODS) if folded(provider.name) == name]
    claimants = [*([str(built_in)] if built_in else []), *map(str, installed)]
    if not claimants:
        raise UnknownNameError("method", base, _of_this_name(base) or names())
    if len(claimants) > 1:
        raise PluginError(
            f"Method '{name}' has two providers, {' and '.join(claimants)}: uninstall or rename one."
        )
    full, variants = _with_variants(name, chosen)
    if built_in is not None:
        return MethodSpec(reference, full, read_card(built_in), built_in, f"{BUILT_IN}.{name}", variants)
    source = module_source(installed[0].module)
    return MethodSpec(reference, full, read_card(source), source, installed[0].value, variants)


def _of_this_name(base: str) -> list[str]:
    """Return how a file or folder in the working directory is referred to that has this name."""
    from fusionbench.data.pairs import IMAGE_SUFFIXES

    folder = Path(base)
    if Path(f"{base}.py").is_file():
        return [f"./{base}.py"]
    if (folder / "card.yaml").is_file():
        return [f"./{base}"]
    images = folder.is_dir() and any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())
    return [f"images:{base}"] if images else []


def _file(reference: str, parts: re.Match[str]) -> MethodSpec:
    path = Path(parts["path"]).expanduser().resolve()
    if not path.is_file():
        raise PluginError(
            f"Method file {parts['path']} does not exist: check the path in --method {reference}."
        )
    class_name = parts["class"] or only_class(path)
    name, variants = _with_variants(f"{path.stem}-{class_name}", parts["variants"] or "")
    target = f"{path}:{parts['class']}" if parts["class"] else str(path)
    return MethodSpec(reference, name, _card_or_default(path, class_name), path, target, variants)


def _folder(reference: str) -> MethodSpec:
    path = Path(reference).expanduser().resolve()
    if not (path / "card.yaml").is_file():
        raise PluginError(
            f"'{reference}' is not a method: give a .py file, a folder with a card.yaml, or a registered name."
        )
    card = read_card(path)
    if not card.command:
        raise PluginError(f"{path / 'card.yaml'} names no command: give the file of the class, as ./file.py.")
    return MethodSpec(reference, path.name, card, path, "")


def _class(reference: str, base: str, variants: str) -> MethodSpec:
    module, _, class_name = base.partition(":")
    source = module_source(module)
    name, chosen = _with_variants(f"{module}-{class_name}", variants)
    return MethodSpec(reference, name, _card_or_default(source, class_name), source, base, chosen)


def _with_variants(name: str, text: str) -> tuple[str, tuple[str, ...]]:
    """Return the name used in runs/ and tables, and the variants in order, each once."""
    variants = tuple(dict.fromkeys(variant for variant in re.split("[@+]", text) if variant))
    return "@".join([name, *variants]), variants


def _images(reference: str) -> MethodSpec:
    """Return the method for ``images:DIR`` or ``images:DIR=NAME``, NAME being that of the row; DIR may contain "="."""
    text, title = reference.partition(":")[2].strip(), ""
    if not Path(text).expanduser().is_dir():
        place, sign, given = text.rpartition("=")
        if sign and given.strip() and Path(place).expanduser().is_dir():
            text, title = place, given.strip()
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise DataNotFoundError(
            f"Folder {folder} of --method {reference} does not exist: give a folder of fused images."
        )
    folder = folder.resolve()
    card = results_card(folder)
    if not title:
        return MethodSpec(reference, f"images-{folder.name}", card, folder, "")
    if not re.fullmatch(r"[\w .()-]+", title):
        raise RequestError(
            f"'{title}' in --method {reference} cannot name a row: use letters, digits, blanks and . ( ) - _."
        )
    return MethodSpec(reference, f"images-{title}", replace(card, title=title), folder, "")


def _card_or_default(source: Path, title: str) -> Card:
    """Return the card; without one a default, so that local experiments need none.

    The default is a learned method with the class as its title and the families that the class lists, else all.
    """
    has_card = (source / "card.yaml").exists() if source.is_dir() else literal(source, "CARD") is not None
    if has_card:
        return read_card(source)
    return Card(title, "learned", (source.is_file() and _families_in(source, title)) or FAMILIES)


def _families_in(source: Path, class_name: str) -> tuple[str, ...]:
    """Return the families that a class lists as literals in its body, empty if it does not."""
    import ast

    bodies = [
        n.body for n in parsed_source(source).body if isinstance(n, ast.ClassDef) and n.name == class_name
    ]
    for node in (node for body in bodies for node in body):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(t, ast.Name) and t.id == "families" for t in targets):
            written = {n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)}
            return tuple(family for family in FAMILIES if family in written)
    return ()


def only_class(path: Path) -> str:
    """Return the name of the only class of a file that derives from a FusionMethod, without importing the file.

    Raises PluginError if there is none or several.
    """
    import ast

    classes = [
        node.name
        for node in parsed_source(path).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith("FusionMethod") for base in node.bases)
    ]
    if not classes:
        raise PluginError(
            f"{path} defines no class that derives from FusionMethod: write one, or, if it defines metrics, give it to --metrics."
        )
    if len(classes) > 1:
        raise PluginError(f"{path} defines the methods {', '.join(classes)}: name one as {path.name}:Class.")
    return classes[0]
