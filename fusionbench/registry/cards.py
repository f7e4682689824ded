"""Cards of methods, read without importing them: ``card.yaml`` of a folder, or the literal ``CARD`` of a file."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fusionbench.config import read_yaml, unknown_key
from fusionbench.errors import ConfigError, PluginError
from fusionbench.registry.command import check_command
from fusionbench.types import FAMILIES

KINDS = ("learned", "classical", "trivial", "external")
SHAPES: dict[str, Any] = {
    "title": str, "kind": str, "summary": str, "reading": str, "families": (list, tuple), "open": (list, tuple),
    "notes": (list, tuple), "convert": (list, tuple), "weights": dict, "expect": dict, "xfail": dict, "layers": dict,
    "checkpoints": (list, tuple), "quirks": (list, tuple), "trainable": bool,
}  # fmt: skip
SHAPE_NAMES: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    dict: "a mapping of keys to values",
    (list, tuple): "a list",
}
LISTS = ("families", "open", "notes", "command", "convert", "checkpoints", "quirks")
# keys of the card of a folder of fused images; its ``citation`` is the ``paper`` of other cards
OF_RESULTS = ("title", "citation", "bibtex", "doi", "url", "families", "color", "notes")


@dataclass(frozen=True)
class Card:
    """The description of a method.

    - ``weights``: by family, the name of a file in the method's folder, or words on where to get one.
    - ``expect``: sizes and costs as the paper prints them.
    - ``open``: what the paper leaves open, what was chosen and why.
    - ``xfail``: by contract check, the reason why the method cannot pass it.
    - ``command``: the command to run, for a method without a class.
    - ``convert``: ordered rules, regular expression to replacement, that rename the tensors of other programs' checkpoints.
    - ``layers``: the places in the network that figures draw, {group: {label: place}}, see figures/networks/layers.py.
    - ``trainable``: false for inference with ``checkpoints``, the files that the authors published, see
        `fusionbench.weights.published`.
    - ``quirks``: differences between the authors' script (``official``) and the ``default``, and their effect.
    - ``color`` (luma or rgb): how results made elsewhere were fused; a class defines it itself.
    - ``canary``: the method of which this one is a deliberately worse copy, to find metrics that prefer it.
    - ``reading``: parts that interpret a paper that does not print them, in words for a table's caption.
    """

    title: str
    kind: str
    families: tuple[str, ...]
    summary: str = ""
    paper: str | None = None
    doi: str | None = None
    url: str | None = None
    bibtex: str | None = None
    reference: str | None = None
    licence: str | None = None
    weights: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    open: tuple[Mapping[str, str], ...] = ()
    xfail: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    convert: tuple[Mapping[str, str], ...] = ()
    trainable: bool = True
    checkpoints: tuple[Mapping[str, Any], ...] = ()
    quirks: tuple[Mapping[str, str], ...] = ()
    color: str | None = None
    canary: str | None = None
    reading: str | None = None


def card_from(data: Mapping[str, Any], where: Path) -> Card:
    """Return a card after checking its keys and values. Raises ConfigError naming the file and the key."""
    known = [f.name for f in fields(Card)]
    if not isinstance(data, Mapping):
        raise ConfigError(
            f"{where}: the card must be a mapping of keys to values, found {type(data).__name__}."
        )
    for key in data:
        if key not in known:
            raise ConfigError(f"{where}: {unknown_key(key, known)}")
    for key, kind in SHAPES.items():
        if data.get(key) is not None and not isinstance(data[key], kind):
            raise ConfigError(f"{where}: {key} is {data[key]!r}: write {SHAPE_NAMES[kind]}.")
    missing = [key for key in ("title", "kind", "families") if not data.get(key)]
    if missing:
        raise ConfigError(f"{where}: the card lacks {', '.join(missing)}: add it.")
    if data["kind"] not in KINDS:
        raise ConfigError(
            f"{where}: kind '{data['kind']}' is not one of {', '.join(KINDS)}: use one of these."
        )
    if strange := [family for family in data["families"] if family not in FAMILIES]:
        raise ConfigError(
            f"{where}: family '{strange[0]}' is not one of {', '.join(FAMILIES)}: use one of these."
        )
    for group, places in (data.get("layers") or {}).items():
        if not (isinstance(places, dict) and all(isinstance(place, str) for place in places.values())):
            raise ConfigError(f"{where}: layers.{group} is {places!r}: map labels to places in the network.")
    if data.get("color") not in (None, "luma", "rgb"):
        raise ConfigError(f"{where}: color '{data['color']}' is neither luma nor rgb: use one of these.")
    if data.get("command") is not None:
        check_command(data["command"], data["kind"], where)
    lists = {key: tuple(data[key]) for key in LISTS if data.get(key)}
    return Card(**{**{k: v for k, v in data.items() if v is not None}, **lists})


def read_card(source: Path) -> Card:
    """Return the card of a method's folder or file. Raises PluginError or ConfigError if it is missing or wrong."""
    if source.is_dir():
        return card_from(read_yaml(source / "card.yaml"), source / "card.yaml")
    card = literal(source, "CARD")
    if card is None:
        raise PluginError(f"{source} has no module-level CARD = {{...}} written as a literal: add one.")
    return card_from(card, source)


def results_card(folder: Path) -> Card:
    """Return the card of a folder of fused images; by default with the folder's name and all families.

    Raises ConfigError for a key that such a card does not have.
    """
    path = folder / "card.yaml"
    said = read_yaml(path) if path.is_file() else {}
    for key in said:
        if key not in OF_RESULTS:
            raise ConfigError(f"{path}: {unknown_key(key, OF_RESULTS)}")
    paper = {"paper": said.pop("citation")} if "citation" in said else {}
    return card_from({"title": folder.name, "families": FAMILIES, **said, **paper, "kind": "external"}, path)


def literal(source: Path, name: str) -> Any:
    """Return the literal that a Python file assigns to ``name`` at its top level, None without one; nothing is run.

    Raises PluginError if the value is not a literal.
    """
    for node in parsed_source(source).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            try:
                return ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError) as error:
                raise PluginError(
                    f"{source}: {name} is computed: write a plain literal, as it is read without running the file."
                ) from error
    return None


def parsed_source(source: Path) -> ast.Module:
    """Return the syntax tree of a Python file. Raises PluginError if it is not valid Python."""
    try:
        return ast.parse(source.read_text(encoding="utf-8"), str(source))
    except (SyntaxError, ValueError) as error:
        raise PluginError(f"{source} is not valid Python: {error}; fix it.") from error
