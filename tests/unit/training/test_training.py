"""Training: schedules, resume after a real kill, and what comes out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fusionbench.config import ScheduleConfig
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import RequestError, WeightsError
from fusionbench.registry.methods import load, spec
from fusionbench.training.estimate import estimate_seconds
from fusionbench.training.fit import FitOptions, train
from fusionbench.training.optimizers import LearningRateFactor
from fusionbench.weights.methods import load_weights

PLUGIN = """
from typing import ClassVar
import torch
from fusionbench.method import FusionMethod

class Tiny(FusionMethod):
    families: ClassVar = frozenset({"medical"})
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 1, 3, padding=1)
    def fuse(self, a, b):
        return torch.sigmoid(self.conv(torch.cat([a, b], 1)))
    def losses(self, batch):
        return {"l1": (self.fuse(batch.a, batch.b) - batch.b).abs().mean()}
"""
QUICK = ("stages.fuse.crop=32", "stages.fuse.batch_size=4", "stages.fuse.optimizer.lr=0.01")
OPTIONS = FitOptions(device="cpu", quiet=True)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.py"
    path.write_text(PLUGIN)
    return path


def test_schedules() -> None:
    poly = LearningRateFactor(ScheduleConfig("poly", warmup_steps=10, warmup_from=1e-5), 1e-3, 110)
    assert poly(0) == pytest.approx(0.01)
    assert poly(5) == pytest.approx(0.1)
    assert poly(10) == 1
    assert poly(60) == pytest.approx(0.5**0.9)
    cosine = LearningRateFactor(ScheduleConfig("cosine", min_lr=1e-6), 1e-4, 100)
    assert [cosine(0), cosine(50), cosine(100)] == pytest.approx([1, 0.505, 0.01])
    assert LearningRateFactor(ScheduleConfig(), 1e-4, 100)(99) == 1


def test_the_estimate_of_long_steps_takes_single_samples_alone(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = '        assert len(batch.a) == 1, "a whole batch"\n'
    tiny.write_text(
        PLUGIN.replace("    def losses(self, batch):\n", "    def losses(self, batch):\n" + guard)
    )
    method = spec(str(tiny))
    config = method.config((*QUICK, "stages.fuse.epochs=2"))
    split = find_split(dataset("demo-medical"), "train", limit=8)
    monkeypatch.setattr("fusionbench.training.estimate.LONGEST", 0)
    assert estimate_seconds(method, config, split, OPTIONS) > 0
    monkeypatch.setattr("fusionbench.training.estimate.LONGEST", 1e9)
    with pytest.raises(AssertionError, match="a whole batch"):
        estimate_seconds(method, config, split, OPTIONS)


def test_training_writes_weights_with_their_provenance_and_is_not_repeated(
    tiny: Path, tmp_path: Path
) -> None:
    method_spec = spec(str(tiny))
    config = method_spec.config((*QUICK, "stages.fuse.epochs=2"))
    split = find_split(dataset("demo-medical"), "train", limit=8)
    assert estimate_seconds(method_spec, config, split, OPTIONS) > 0
    folder = train(method_spec, config, split, tmp_path, OPTIONS)
    about = json.loads(folder.weights.with_suffix(".json").read_text())
    assert about["datasets"][0] == about["datasets"][0] | {"name": "demo-medical", "pairs": 8, "expected": 16}
    assert about["pairs_used"] == {"fuse": {"training": 8, "validation": 0}}
    method = method_spec.build({})
    load_weights(method, folder.weights)
    stamp = folder.weights.stat().st_mtime_ns
    assert train(method_spec, config, split, tmp_path, OPTIONS).weights.stat().st_mtime_ns == stamp
    log = (folder.path / "fuse" / "csv-0" / "metrics.csv").read_text()
    assert "train/l1" in log.splitlines()[0]
    assert "val/loss" not in log.splitlines()[0]


def test_a_recipe_that_validates_keeps_pairs_back_and_the_record_says_how_many(
    tiny: Path, tmp_path: Path
) -> None:
    method = spec(str(tiny))
    config = method.config((*QUICK, "stages.fuse.epochs=1", "stages.fuse.validation=0.25"))
    folder = train(method, config, find_split(dataset("demo-medical"), "train", limit=8), tmp_path, OPTIONS)
    about = json.loads(folder.weights.with_suffix(".json").read_text())
    assert about["pairs_used"] == {"fuse": {"training": 6, "validation": 2}}
    assert "val/loss" in (folder.path / "fuse" / "csv-0" / "metrics.csv").read_text().splitlines()[0]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_killed_training_ends_with_the_same_weights(workers: int, tiny: Path, tmp_path: Path) -> None:
    overrides = (*QUICK, "stages.fuse.epochs=6", f"trainer.workers={workers}")
    command = [
        sys.executable,
        "-m",
        "fusionbench",
        "train",
        "-m",
        str(tiny),
        "-d",
        "demo-medical",
        *overrides,
    ]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*command, "--out", whole], check=True, capture_output=True)
    process = subprocess.Popen(
        [*command, "--out", killed], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and not list(killed.rglob("progress.json")):
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not list(killed.rglob("weights.safetensors")), "the training ended before it could be killed"
    subprocess.run([*command, "--out", killed], check=True, capture_output=True)
    first, second = (load_file(next(folder.rglob("weights.safetensors"))) for folder in (whole, killed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    method = spec("average")
    with pytest.raises(RequestError, match="no parameters"):
        train(method, method.config(), find_split(dataset("demo"), "train", limit=2), tmp_path, OPTIONS)
    learned = spec("refinefuse")
    with pytest.raises(RequestError, match="at least 2 pairs"):
        train(learned, learned.config(), find_split(dataset("demo"), "train", limit=1), tmp_path, OPTIONS)


def test_weights_of_another_architecture_are_refused() -> None:
    shipped = spec("refinefuse").source / "weights" / "ir-vis.safetensors"
    with pytest.raises(WeightsError, match="do not fit"):
        load_weights(load("refinefuse", levels=3), shipped)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": Attack()}, tmp_path / "attack.pt")
    with pytest.raises(WeightsError, match="never run"):
        load_weights(load("refinefuse"), tmp_path / "attack.pt")
    assert not (tmp_path / "ran").exists()
