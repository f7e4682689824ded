"""Defaults of a method's constructor arguments, read from its source: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fusionbench.cards import parsed
from fusionbench.errors import FusionbenchError


def constructor_defaults(method: str) -> dict[str, Any]:
    """Return the literal defaults of a method of that name; empty where it is not sound here."""
    from fusionbench.registry import spec

    try:
        nodes = [node for path in _files(spec(method).source) for node in parsed(path).body]
    except FusionbenchError:
        return {}
    found: dict[str, Any] = {}
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            found |= dict(_defaults(node))
    return found


def _files(source: Path) -> list[Path]:
    # by the layout of method folders the class is in method.py, or in the package itself
    places = [source / "method.py", source / "__init__.py"] if source.is_dir() else [source]
    return [path for path in places if path.suffix == ".py" and path.is_file()][:1]


def _defaults(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for function in node.body:
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
                try:
                    yield argument.arg, ast.literal_eval(default)
                except ValueError:
                    continue  # computed, or absent
