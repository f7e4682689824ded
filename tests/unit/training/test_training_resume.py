"""A training that stops at the worst moments, and recipes that are wrong."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from fusionbench.config import OptimizerConfig, ScheduleConfig
from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import ConfigError, RequestError
from fusionbench.registry.methods import spec
from fusionbench.training import callbacks
from fusionbench.training.fit import FitOptions, train
from fusionbench.training.optimizers import LearningRateFactor, _optimizer

PLUGIN = """
import torch
import torch.nn.functional as F
from fusionbench.method import FusionMethod

class Tiny(FusionMethod):
    families = frozenset({"medical"})
    stages = ("fuse", "refine")
    def __init__(self, *, drop=0.0):
        super().__init__()
        self.drop = drop
        self.conv, self.last = torch.nn.Conv2d(2, 1, 3, padding=1), torch.nn.Conv2d(1, 1, 1)
    def begin(self, stage):
        self.conv.requires_grad_(stage == "fuse")
    def fuse(self, a, b):
        return torch.sigmoid(self.last(self.conv(F.dropout(torch.cat([a, b], 1), self.drop, self.training))))
    def losses(self, batch):
        return {"l1": (self.fuse(batch.a, batch.b) - batch.b).abs().mean()}
"""
STAGE = '{"epochs": 3, "crop": 32, "batch_size": 2, "optimizer": {"lr": 0.01}}'
LITERAL = PLUGIN + f'CONFIG = {{"stages": {{"fuse": {STAGE}, "refine": {STAGE}}}}}\n'
OPTIONS = FitOptions(device="cpu", quiet=True)


class PowerCut(Exception):
    """Stands for a kill between two system calls."""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    (tmp_path / "tiny.py").write_text(LITERAL)
    return str(tmp_path / "tiny.py")


@pytest.fixture(scope="module")
def pairs() -> Split:
    return find_split(dataset("demo-medical"), "train", limit=6)


def fit(reference: str, pairs: Split, out: Path, *overrides: str) -> dict[str, torch.Tensor]:
    method = spec(reference)
    return load_file(train(method, method.config(overrides), pairs, out, OPTIONS).weights)


def cut_power(patch: pytest.MonkeyPatch, stage: str, epoch: int, noted: bool) -> None:
    """Stop the training after the checkpoint of an epoch, before or after progress.json notes it."""
    write = callbacks.write_json

    def write_and_stop(path: Path, document: dict[str, Any]) -> None:
        cut = (path.parent.name, document["epochs"]) == (stage, epoch)
        if noted or not cut:
            write(path, document)
        if cut:
            raise PowerCut

    patch.setattr(callbacks, "write_json", write_and_stop)


@pytest.mark.parametrize(
    ("stage", "noted", "workers", "drop"),
    [
        ("fuse", True, 0, 0.0),
        pytest.param("fuse", True, 1, 0.0, marks=pytest.mark.slow),
        ("fuse", False, 0, 0.0),
        ("refine", True, 0, 0.0),
        pytest.param("fuse", False, 1, 0.0, marks=pytest.mark.slow),
        ("fuse", True, 0, 0.5),
    ],
)
def test_an_interrupted_training_ends_with_the_same_weights(
    stage: str, noted: bool, workers: int, drop: float, tiny: str, pairs: Split, tmp_path: Path
) -> None:
    overrides = (f"trainer.workers={workers}", f"args.drop={drop}")
    whole = fit(tiny, pairs, tmp_path / "whole", *overrides)
    with pytest.MonkeyPatch.context() as patch:
        cut_power(patch, stage, 1, noted)
        with pytest.raises(PowerCut):
            fit(tiny, pairs, tmp_path / "cut", *overrides)
    assert not list((tmp_path / "cut").rglob("weights.safetensors"))
    resumed = fit(tiny, pairs, tmp_path / "cut", *overrides)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_log_of_an_interrupted_training_has_every_epoch(
    tiny: str, pairs: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        cut_power(patch, "fuse", 2, True)
        with pytest.raises(PowerCut):
            fit(tiny, pairs, tmp_path)
    fit(tiny, pairs, tmp_path)
    logs = sorted(tmp_path.rglob("fuse/csv-*/metrics.csv"))
    epochs = []
    for log in logs:
        with log.open(newline="") as stream:
            epochs.append({row["epoch"] for row in csv.DictReader(stream) if row["train/loss"]})
    assert epochs == [{"0", "1"}, {"2"}]


def test_a_seed_has_a_folder_of_its_own(tiny: str, pairs: Split, tmp_path: Path) -> None:
    method = spec(tiny)
    short = ("stages.fuse.epochs=1", "stages.refine.epochs=1")
    first = train(method, method.config(short), pairs, tmp_path, OPTIONS)
    other_seed = train(
        method, method.config(short), pairs, tmp_path, FitOptions(seed=1, device="cpu", quiet=True)
    )
    assert first.path != other_seed.path
    weights = [load_file(folder.weights)["conv.weight"] for folder in (first, other_seed)]
    assert not torch.equal(*weights)


def test_a_stage_without_a_recipe_is_named(tiny: str, pairs: Split, tmp_path: Path) -> None:
    path = Path(tiny)
    path.write_text(LITERAL.replace('"refine": {"epochs"', '"refined": {"epochs"'))
    with pytest.raises(ConfigError, match=r"stage 'refine': add stages\.refine"):
        fit(tiny, pairs, tmp_path)


def test_a_data_set_of_another_family_is_refused(tiny: str, pairs: Split, tmp_path: Path) -> None:
    path = Path(tiny)
    path.write_text(LITERAL + 'CARD = {"title": "Tiny", "kind": "learned", "families": ["sar-opt"]}\n')
    with pytest.raises(RequestError, match="data set 'demo-medical' is medical"):
        fit(tiny, pairs, tmp_path)
    assert not (tmp_path / "training").exists()


@pytest.mark.parametrize("name", ["poly", "cosine"])
def test_a_schedule_falls_from_the_rate_to_its_floor(name: str) -> None:
    factor = LearningRateFactor(ScheduleConfig(name, min_lr=1e-5), 1e-3, 50)
    values = [factor(step) for step in range(51)]
    assert values[0] == 1
    assert values[-1] == pytest.approx(0.01)
    assert factor(10_000) == pytest.approx(0.01)
    assert values == sorted(values, reverse=True)


def test_a_short_training_warms_up_for_a_tenth_of_it_at_most() -> None:
    factor = LearningRateFactor(ScheduleConfig(warmup_steps=1000, warmup_from=1e-5), 1e-3, 40)
    assert [factor(step) for step in range(6)] == pytest.approx([0.01, 0.01**0.75, 0.1, 0.01**0.25, 1, 1])


@pytest.mark.parametrize(("name", "kind"), [("sgd", "SGD"), ("adam", "Adam"), ("adamw", "AdamW")])
def test_optimizers(name: str, kind: str) -> None:
    config = OptimizerConfig(name, lr=0.5, momentum=0.7, betas=[0.8, 0.9], weight_decay=0.1)
    built = _optimizer(config, [torch.nn.Parameter(torch.zeros(1))])
    group = built.param_groups[0]
    assert (type(built).__name__, group["lr"], group["weight_decay"]) == (kind, 0.5, 0.1)
    assert group.get("momentum") == 0.7 if name == "sgd" else group["betas"] == (0.8, 0.9)


def test_unknown_optimizers_and_schedules_are_named() -> None:
    with pytest.raises(ConfigError, match="'lion' is unknown: use sgd, adam or adamw"):
        _optimizer(OptimizerConfig("lion"), [torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(ConfigError, match="'step' is unknown: use constant, poly or cosine"):
        LearningRateFactor(ScheduleConfig("step"), 1e-3, 10)
