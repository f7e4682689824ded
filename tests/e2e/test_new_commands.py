"""The commands that ``fusionbench new`` prints, as a shell reads them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from command import in_process


@pytest.mark.parametrize(
    "kind",
    [("metric", "level"), ("method", "net", "--single-file"), ("dataset", "scenes"), ("method", "net")],
)
def test_a_folder_with_a_blank_stays_one_word(kind: tuple[str, ...], tmp_path: Path) -> None:
    done = in_process("new", *kind, "--at", "my folder", cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.partition("Next:")[2].splitlines()
    words = [word for line in lines for word in shlex.split(line) if "folder" in word]
    assert words
    paths = [part for word in words for part in word.split(",") if "folder" in part]
    assert all((tmp_path / path).exists() for path in paths)
