"""Python's garbage collector rests while a large library is imported, and never while a verb works."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

from fusionbench.cli import large_imports
from fusionbench.cli.large_imports import frozen_imports
from tests.e2e.command import fusionbench


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the empty file of a module named ``large_library``, which is imported as a large one."""
    monkeypatch.setattr(large_imports, "LARGE", frozenset({"large_library"}))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "large_library.py"
    sys.modules.pop("large_library", None)
    gc.unfreeze()


class Node:
    """A member of a cycle with itself."""

    def __init__(self) -> None:
        self.itself = self


def test_it_is_off_during_the_import_and_on_for_what_follows(library: Path) -> None:
    library.write_text("import gc\non = gc.isenabled()\nmade = [[] for _ in range(1000)]\n")
    with frozen_imports():
        before = gc.get_freeze_count()
        assert import_module("large_library").on is False
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + 1000
        cycles = [weakref.ref(Node()) for _ in range(20_000)]  # the collector runs unasked
        assert any(cycle() is None for cycle in cycles)
    assert gc.isenabled()


def test_it_is_on_after_an_import_that_fails(library: Path) -> None:
    library.write_text("import gc\nassert gc.isenabled(), 'paused'\n")
    with frozen_imports(), pytest.raises(AssertionError, match="paused"):
        import_module("large_library")
    assert gc.isenabled()


def test_python_finds_modules_as_before_once_the_call_is_over(library: Path) -> None:
    library.write_text("import gc\non = gc.isenabled()\n")
    finders = list(sys.meta_path)
    with frozen_imports():
        pass
    assert sys.meta_path == finders
    assert import_module("large_library").on is True


def test_a_method_fuses_with_the_collector_on_and_torch_out_of_its_way(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("L", (16, 16), 90).save(tmp_path / name)
    (tmp_path / "witness.py").write_text(
        """import gc
from pathlib import Path
from fusionbench import FusionMethod
CARD = {"title": "Witness", "kind": "classical", "families": ["ir-vis"]}
class Witness(FusionMethod):
    families = frozenset({"ir-vis"})
    def fuse(self, a, b):
        Path("seen.txt").write_text(f"{gc.isenabled()} {gc.get_threshold()[0] > 0} {gc.get_freeze_count()}")
        return a
"""
    )
    done = fusionbench("fuse", "-m", "witness.py", "a.png", "b.png", "-o", "f.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    on, limited, frozen = (tmp_path / "seen.txt").read_text().split()
    assert (on, limited) == ("True", "True")
    assert int(frozen) > 100_000  # torch's objects
