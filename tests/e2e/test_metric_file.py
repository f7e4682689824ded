"""A file of metrics as `new metric` writes it, in the commands that take one metric."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import fusionbench
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, level in (("a", 10), ("b", 20), ("f", 30)):
        Image.fromarray(np.full((8, 9), level, np.uint8)).save(tmp_path / f"{name}.png")
    assert fusionbench("new", "metric", "contrast", "--at", tmp_path, cwd=tmp_path).returncode == 0
    return tmp_path


TRIPLE = ("--a", "a.png", "--b", "b.png", "--fused", "f.png")


def test_check_info_and_explain_take_the_file(folder: Path) -> None:
    checked = fusionbench("check", "./contrast.py", cwd=folder)
    assert "metric Contrast: " in checked.stdout
    shown = fusionbench("info", "./contrast.py", "--json", cwd=folder)
    assert json.loads(shown.stdout)["name"] == "Contrast"
    explained = fusionbench("explain", "./contrast.py", "30", *TRIPLE, "--json", cwd=folder)
    assert [found["value"] for found in json.loads(explained.stdout)["conventions"]] == [30.0]


def test_of_several_metrics_one_is_named(folder: Path) -> None:
    text = (folder / "contrast.py").read_text(encoding="utf-8")
    second = text[text.index("@metric") :].replace("Contrast", "Half").replace("def contrast", "def half")
    (folder / "contrast.py").write_text(
        text + second.replace("fused.mean", "0.5 * fused.mean"), encoding="utf-8"
    )
    asked = fusionbench("explain", "./contrast.py", "15", *TRIPLE, cwd=folder)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "'./contrast.py' has the metrics Contrast, Half: write ./contrast.py:Contrast" in asked.stderr
    named = fusionbench("explain", "./contrast.py:half", "15", *TRIPLE, cwd=folder)
    assert "Half 15 is given by: canonical" in named.stdout
    wrong = fusionbench("check", "./contrast.py:Halve", cwd=folder)
    assert wrong.returncode == 2
    assert "did you mean 'Half'" in wrong.stderr


@pytest.mark.parametrize("verb", ["check", "info"])
def test_a_file_without_either_says_what_it_could_be(verb: str, folder: Path) -> None:
    (folder / "contrast.py").write_text("x = 1\n", encoding="utf-8")
    refused = fusionbench(verb, "./contrast.py", cwd=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "no class that derives from FusionMethod" in refused.stderr
