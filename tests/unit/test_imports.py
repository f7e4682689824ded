"""Who may import whom, and what the light verbs must not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fusionbench
from fusionbench.providers import share

PACKAGE = Path(fusionbench.__file__).parent
# a module may import only from layers of its own number or lower
LAYERS = {
    "errors": 0, "spelling": 0, "types": 0, "providers": 0, "files": 0, "config": 0, "provenance": 0, "losses": 0, "devices": 0,
    "data": 1,
    "method": 2, "published": 2,
    "registry": 3,
    "weights": 4, "methods": 4,
    "metrics": 5, "training": 5, "profiling": 5, "checks": 5, "tables": 5,
    "scaffold": 6, "cells": 6, "statistics": 6, "papers": 6,
    "folders": 7, "comparison": 7, "figures": 7, "report": 7,
    "runs": 8, "doctor": 8, "downstream": 8, "bundle": 9,
    "cli": 10, "__main__": 11, "__init__": 11,
}  # fmt: skip


FILES_IN_A_FOLDER, FILES_AT_THE_ROOT = 16, 12
LINES = 300


def imports(path: Path, top_only: bool) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_only else ast.walk(tree)
    modules = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


def layer(module: str) -> int:
    return LAYERS[module.split(".")[1] if "." in module else "__init__"]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    own = LAYERS[path.relative_to(PACKAGE).parts[0].removesuffix(".py")]
    upward = {m for m in imports(path, top_only=True) if m.startswith("fusionbench.") and layer(m) > own}
    assert upward == set()


@pytest.mark.parametrize(
    "folder",
    sorted({path.parent for path in PACKAGE.rglob("*.py")}),
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_no_folder_holds_more_modules_than_a_reader_overlooks(folder: Path) -> None:
    limit = FILES_AT_THE_ROOT if folder == PACKAGE else FILES_IN_A_FOLDER
    names = sorted(path.name for path in folder.glob("*.py"))
    assert len(names) <= limit or folder == PACKAGE / "cli", names  # cli/ has a file for each verb


@pytest.mark.parametrize("place", ["fusionbench", "methods"])
def test_no_file_is_longer_than_its_limit(place: str) -> None:
    root = PACKAGE if place == "fusionbench" else share("methods")
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in root.rglob("*.py")}
    assert {str(path): lines for path, lines in lengths.items() if lines > LINES} == {}


@pytest.mark.parametrize(
    "path", sorted(share("methods").rglob("*.py")), ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_methods_import_no_other_method_and_networks_only_torch(path: Path) -> None:
    name = path.stem if path.parent == share("methods") else path.parent.name
    modules = imports(path, top_only=False)
    others = {m for m in modules if m.startswith("fusionbench.methods.") and m.split(".")[2] != name}
    assert others == set()
    if path.name in ("network.py", "blocks.py"):
        foreign = {m for m in modules if m != f"fusionbench.methods.{name}.blocks"}
        assert {m.split(".")[0] for m in foreign} - sys.stdlib_module_names <= {"torch", "timm"}


@pytest.mark.parametrize(
    "code",
    [
        "import fusionbench, fusionbench.cli.app, fusionbench.types, fusionbench.tables, fusionbench.metrics",
        "from fusionbench.cli.verbs import VERBS, built\nfor name in VERBS: built(name)",
        "import fusionbench.cells.done",  # all that a finished `run` needs of its cells
        "from fusionbench.cli.app import app\ntry: app(['list', 'methods', '--json'])\nexcept SystemExit: pass",
        "from fusionbench.cli.app import app\ntry: app(['info', 'refinefuse', '--json'])\nexcept SystemExit: pass",
    ],
)
def test_light_verbs_load_no_torch(code: str) -> None:
    check = "import sys; print([m for m in ('torch', 'pytorch_lightning', 'kornia', 'pandas') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{check}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
