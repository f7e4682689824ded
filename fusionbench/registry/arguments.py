"""The configuration keys that a method accepts and whether it trains, read from its source without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from fusionbench.errors import FusionbenchError
from fusionbench.registry.cards import parsed_source
from fusionbench.registry.method_spec import MethodSpec


def takes(method: MethodSpec, key: str) -> bool:
    """Tell whether ``args.NAME`` is an argument of the method's class, or another key belongs to a training that it has.

    A class whose arguments cannot be read from its source accepts everything; constructing it will report errors.
    """
    if not method.has_class:
        return False
    part, _, name = key.partition(".")
    if part != "args":
        return method.card.kind == "learned"
    names = declared_arguments(method.source)
    return names is None or name in names


def declared_arguments(source: Path) -> set[str] | None:
    """Return the constructor arguments of the fusion methods in a file or folder; None if the source does not list them."""
    classes = _classes(source)
    functions = [function for node in classes for function in _constructors(node)]
    # with **kwargs or a class defined elsewhere, the source does not tell which names are accepted
    if not classes or any(function.args.kwarg for function in functions):
        return None
    return {
        argument.arg
        for function in functions
        for argument in (*function.args.args[1:], *function.args.kwonlyargs)
    }


def may_train(source: Path) -> bool:
    """Tell whether the fusion methods in a file or folder may have a training: not if they are seen to have no ``losses``."""
    classes = _classes(source)
    own = {part.name for node in classes for part in node.body if isinstance(part, ast.FunctionDef)}
    # another base class could bring what is missing
    return (
        not classes or any(len(node.bases) > 1 for node in classes) or bool(own & {"losses", "training_step"})
    )


def _classes(source: Path) -> list[ast.ClassDef]:
    """Return the fusion methods that a source defines, none if it cannot be read."""
    try:
        nodes = [node for path in method_files(source) for node in parsed_source(path).body]
    except FusionbenchError:
        return []
    return [node for node in nodes if isinstance(node, ast.ClassDef) and _fuses(node)]


def method_files(source: Path) -> list[Path]:
    """Return the file of a method's class, in a folder method.py or else __init__.py; empty if there is none."""
    places = [source / "method.py", source / "__init__.py"] if source.is_dir() else [source]
    return [path for path in places if path.suffix == ".py" and path.is_file()][:1]


def _fuses(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("FusionMethod") for base in node.bases)


def _constructors(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    yield from (part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
