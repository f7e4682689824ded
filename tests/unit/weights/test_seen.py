"""Scores on pairs that weights were trained on are told from others, from the files to the table."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import fusionbench
from fusionbench.cells.progress import RichReporter
from fusionbench.cells.store import read_records, score_rows
from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.data.training_data import TrainingData
from fusionbench.registry.methods import load
from fusionbench.tables import build_tables
from fusionbench.weights.methods import Weights, save_weights, seen_pairs


@pytest.fixture(scope="module")
def demo() -> Split:
    return find_split(dataset("demo"), "test")


@pytest.fixture
def weights(demo: Split, tmp_path: Path) -> Weights:
    """Return weights whose record says that they were trained on the first two demo pairs."""
    first = TrainingData.of(replace(demo, pairs=demo.pairs[:2]))
    path = tmp_path / "mine.safetensors"
    return Weights("file", path, save_weights(load("dsifuse"), path, {"datasets": first.manifest()}))


def test_pairs_are_known_by_content_and_not_by_name(weights: Weights, demo: Split, tmp_path: Path) -> None:
    assert seen_pairs(weights, demo) == list(demo.ids[:2])
    pair = demo.pairs[1]
    renamed = replace(pair, id="new", a=Path(shutil.copy(pair.a, tmp_path / "new.png")), b=demo.pairs[5].b)
    assert seen_pairs(weights, replace(demo, pairs=(renamed, demo.pairs[4]))) == ["new"]


def test_weights_without_a_record_of_a_training_are_not_accused(weights: Weights, demo: Split) -> None:
    assert seen_pairs(Weights("none"), demo) == []
    assert seen_pairs(replace(weights, sha256="0" * 64), demo) == []
    about = weights.path.with_suffix(".json")
    for text in ('{"datasets": ["demo"]}', '{"datasets": 3}', '["no record"]', "no JSON"):
        about.write_text(text, encoding="utf-8")
        assert seen_pairs(weights, demo) == []
    about.unlink()
    assert seen_pairs(weights, demo) == []


def test_a_run_warns_and_its_table_says_so(
    weights: Weights, demo: Split, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs"
    asked = {"metrics": ["EN"], "baselines": False, "weights": str(weights.path), "limit": 3, "out": out}
    result = fusionbench.run("dsifuse", "demo", reporter=RichReporter(), **asked)
    assert result.ok
    records = read_records(out)
    assert records[0]["weights"]["seen"] == list(demo.ids[:2])
    assert "trained on files of 2 of these 3 pairs" in capfd.readouterr().err
    (row,) = build_tables(records, score_rows(records))[0].rows
    assert [note for note in row.notes if "2 of these 3 pairs" in note]
