"""Imports that the scan by module name alone does not see, and the parts of design order that name one file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fusionbench
from fusionbench.providers import share

PACKAGE = Path(fusionbench.__file__).parent
HEAVY = {"torch", "pytorch_lightning", "kornia", "pandas", "timm"}
LIGHT = ["__init__", "types", "errors", "config", "registry/cards", "registry/methods", "files", "providers"]


def executed_at_import(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run on import, those inside ``if`` and ``try`` too, TYPE_CHECKING ones not."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        for part in ("body", "orelse", "finalbody"):
            yield from executed_at_import(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            yield from executed_at_import(handler.body)


def imported(path: Path) -> set[str]:
    """Return dotted names, ``from x import y`` as both x and x.y."""
    names = set()
    for node in executed_at_import(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def below(names: set[str], *packages: str) -> set[str]:
    return {n for n in names if any(n == p or n.startswith(f"{p}.") for p in packages)}


UPPER = [
    f"fusionbench.{name}"
    for name in ("cells", "training", "runs", "folders", "tables", "statistics", "figures", "report", "cli")
]


@pytest.mark.parametrize("name", ["data", "metrics", "method", "registry", "weights"])
def test_the_lower_half_knows_nothing_of_the_upper(name: str) -> None:
    place = PACKAGE / name
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        assert below(imported(path), *UPPER) == set(), path


@pytest.mark.parametrize("name", ["store.py", "score_lines.py", "progress.py", "lock.py"])
def test_the_store_and_its_helpers_know_nothing_of_running(name: str) -> None:
    names = imported(PACKAGE / "cells" / name)
    others = {"fusionbench.training", "fusionbench.tables", "fusionbench.cli", "fusionbench.runs"}
    assert below(names, *others) == set()


@pytest.mark.parametrize(
    "name", ["training", "tables", "statistics", "figures", "papers", "comparison", "report"]
)
def test_training_and_results_use_of_the_cells_the_store_alone(name: str) -> None:
    for path in sorted((PACKAGE / name).rglob("*.py")):
        if path.parent == PACKAGE / "figures" / "networks":
            continue  # draws what a network computes, so it builds one as a cell does
        cells = below(imported(path), "fusionbench.cells", "fusionbench.runs") - {"fusionbench.cells"}
        store = below(
            cells,
            *(f"fusionbench.cells.{name}" for name in ("store", "score_lines", "columns", "task_scores")),
        )
        assert cells == store, path


def test_nothing_but_the_entry_point_imports_the_command_line() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "cli" and below(imported(path), "fusionbench.cli")
    }
    assert users <= {"__main__.py"}


def test_the_framework_names_no_method() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert below(imported(path), "fusionbench.methods") - {"fusionbench.methods"} == set(), path


@pytest.mark.parametrize("name", LIGHT)
def test_light_modules_import_nothing_heavy(name: str) -> None:
    assert {n.partition(".")[0] for n in imported(PACKAGE / f"{name}.py")} & HEAVY == set()


def test_methods_use_of_the_framework_only_what_lies_below_training() -> None:
    for path in sorted(share("methods").rglob("*.py")):
        names = below(imported(path), *UPPER, "fusionbench.checks")
        # a way of training that methods build on
        assert names - below(names, "fusionbench.training.pcgrad") == set(), path
