"""``--metrics ./mymetric.py``: a file stands for the metrics in it, and an edit of it is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fusionbench.errors import PluginError
from fusionbench.metrics import cards, resolve
from fusionbench.metrics.own_files import VARIABLE
from fusionbench.metrics.scoring import score
from fusionbench.scaffold import new_metric

LEVELS = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")


def value(metric: str) -> float | None:
    result = score(LEVELS, LEVELS, LEVELS, [metric])[metric]
    assert result.status == "ok", result.detail
    return result.value


def test_a_file_is_scored_and_known_to_processes_that_are_started(tmp_path: Path) -> None:
    path = new_metric("my_metric", tmp_path)
    assert resolve(f"EN,{path}") == ["EN", "MyMetric"]
    assert value("MyMetric") == LEVELS.mean()
    assert os.environ[VARIABLE] == str(path)


def test_an_edited_file_has_another_version_and_value(tmp_path: Path) -> None:
    path = new_metric("my_metric", tmp_path)
    resolve(str(path))
    before = cards()["MyMetric"].version
    path.write_text(path.read_text().replace("fused.mean((1, 2))", "fused.mean((1, 2)) + 1"))
    resolve(str(path))
    assert cards()["MyMetric"].version != before
    assert value("MyMetric") == LEVELS.mean() + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist: check the path in --metrics"),
        ("x = 1\n", r"holds no function marked @metric\(...\); fix it"),
        ("def broken(:\n", "SyntaxError"),
        ("metric_ = 'EN'\n", "holds no function"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PluginError, match=message):
        resolve(str(path))


def test_a_built_in_name_is_kept(tmp_path: Path) -> None:
    path = new_metric("my_metric", tmp_path)
    path.write_text(path.read_text().replace('name="MyMetric"', 'name="EN"'))
    with pytest.raises(PluginError, match="Metric 'en' has two providers, fusionbench itself and"):
        resolve(str(path))
    assert resolve("SD") == ["SD"]
