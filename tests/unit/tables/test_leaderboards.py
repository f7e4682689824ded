"""The published leaderboards are what their records say, byte for byte."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
PUBLISHED = sorted(file.parent for file in (ROOT / "leaderboards").glob("*/records.json"))


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    spec = importlib.util.spec_from_file_location("publish", ROOT / "benchmarks/publish.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_tables_are_rendered_from_the_records_to_the_same_bytes(publish: ModuleType, folder: Path) -> None:
    expected = publish.rendered(folder)
    assert len(expected) > 1
    for name, text in expected.items():
        assert (folder / name).read_bytes() == text.encode(), f"run benchmarks/publish.py {folder.name}"


def test_there_is_something_published() -> None:
    assert PUBLISHED
