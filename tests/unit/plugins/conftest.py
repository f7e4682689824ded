"""A folder of installed packages, on the import path of this process and of those that it starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        facts = vars(sys.modules[name])  # not getattr: torch.classes has an attribute of every name
        places = [facts.get("__file__"), *facts.get("__path__", [])]
        if any(str(place).startswith(str(folder)) for place in places):
            del sys.modules[name]
