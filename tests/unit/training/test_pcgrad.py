"""PCGrad: projections by hand, the plain step where nothing conflicts, several processes, and resuming."""

from __future__ import annotations

import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from fusionbench.config import OptimizerConfig, ScheduleConfig, StageRecipe
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import ConfigError, PluginError
from fusionbench.registry.methods import spec
from fusionbench.training import callbacks
from fusionbench.training.curves import read_curves
from fusionbench.training.fit import FitOptions, train
from fusionbench.training.lightning import lightning_class
from fusionbench.training.pcgrad import PCGradFusionMethod, gradient_cosines, gradients, project
from fusionbench.training.training_set import collate
from fusionbench.types import PairBatch

LR = 0.1
CONFLICTING = torch.tensor([[3.0, 1.0], [-1.0, 1.0]])
AGREEING = torch.tensor([[3.0, 1.0], [1.0, 1.0]])


@lightning_class
class Linear(PCGradFusionMethod):
    """Two parameters and an objective a row of ``slopes``, whose gradient that row is."""

    families = frozenset({"sar-opt"})

    def __init__(self, slopes: Tensor, clip: float = 0.0, summed: bool = False) -> None:
        super().__init__()
        self.slopes, self.automatic_optimization = slopes, summed
        self.weights = torch.nn.Parameter(torch.zeros(slopes.shape[1]))
        self.unused = torch.nn.Parameter(torch.ones(1))
        optimizer = OptimizerConfig("sgd", lr=LR, momentum=0.0, weight_decay=0.0)
        self.recipe = StageRecipe(clip=clip, optimizer=optimizer, schedule=ScheduleConfig("constant"))

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        return {f"o{number}": row @ self.weights for number, row in enumerate(self.slopes)}


def fit(method: PCGradFusionMethod, steps: int = 1, **options: Any) -> pl.Trainer:
    item = PairBatch(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=steps, num_sanity_val_steps=0, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, **options,
    )  # fmt: skip
    pairs = DataLoader([item] * steps, collate_fn=collate)
    trainer.fit(method, pairs, pairs)
    return trainer


def test_a_conflict_is_projected_as_by_hand() -> None:
    # (3, 1) and (-1, 1) overlap by -2: (3, 1) + 2/2 (-1, 1) = (2, 2), and (-1, 1) + 2/10 (3, 1) = (-0.4, 1.2)
    assert project(CONFLICTING, reduction="sum").tolist() == pytest.approx([1.6, 3.2])
    assert project(CONFLICTING).tolist() == pytest.approx([0.8, 1.6])


def test_a_step_is_the_projected_one() -> None:
    method = Linear(CONFLICTING)
    trainer = fit(method)
    assert method.weights.tolist() == pytest.approx([-LR * 0.8, -LR * 1.6])
    cosine = -2 / (10 * 2) ** 0.5
    assert trainer.logged_metrics["train/cosine_o0_o1"].item() == pytest.approx(cosine)
    assert trainer.logged_metrics["train/loss"].item() == 0


@pytest.mark.parametrize(("reduction", "share"), [("sum", 1.0), ("mean", 0.5)])
def test_without_conflict_a_step_is_the_plain_one(
    reduction: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PCGradFusionMethod, "reduction", reduction)
    method, plain = Linear(AGREEING), Linear(AGREEING, summed=True)
    fit(method, steps=3)
    fit(plain, steps=3)
    assert plain.weights.tolist() == pytest.approx([-3 * LR * 4, -3 * LR * 2])
    torch.testing.assert_close(method.weights, share * plain.weights)


def test_with_a_conflict_a_step_is_not_the_plain_one() -> None:
    method, plain = Linear(CONFLICTING), Linear(CONFLICTING, summed=True)
    fit(method)
    fit(plain)
    assert not torch.allclose(method.weights, plain.weights / 2, atol=0.01)


def test_the_joined_gradient_is_clipped() -> None:
    method = Linear(CONFLICTING, clip=1.0)
    fit(method)
    assert (method.weights.detach() / -LR).tolist() == pytest.approx([0.8 / 3.2**0.5, 1.6 / 3.2**0.5])


def test_the_schedule_steps() -> None:
    method = Linear(AGREEING)
    method.recipe.schedule = ScheduleConfig("poly", power=1.0)
    trainer = fit(method, steps=4)
    assert trainer.global_step == 4
    # rates 1, 3/4, 1/2 and 1/4 of LR
    assert method.weights.tolist() == pytest.approx([-2.5 * LR * 2, -2.5 * LR])
    assert trainer.optimizers[0].param_groups[0]["lr"] == 0


def test_a_parameter_that_no_objective_reaches_is_left_alone() -> None:
    method = Linear(CONFLICTING)
    reached, gradient_rows = gradients(list(method.losses(None).values()), list(method.parameters()))
    assert [id(p) for p in reached] == [id(method.weights)]
    torch.testing.assert_close(gradient_rows, CONFLICTING)
    method.recipe.optimizer = OptimizerConfig("adamw", lr=LR, weight_decay=0.5)
    fit(method)
    assert method.unused.item() == 1


def test_an_objective_that_misses_a_parameter_has_a_zero_there() -> None:
    x, y = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    _, gradient_rows = gradients([(2 * x).sum(), (x * y).sum()], [x, y])
    assert gradient_rows.tolist() == [[2, 2, 0, 0], [1, 1, 1, 1]]


def test_no_projection_conflicts_with_the_gradient_it_was_last_cleared_of() -> None:
    rows = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    rows[1] -= rows[0]
    apart = [project(pair, reduction="sum") for pair in (rows, rows.flip(0))]
    torch.testing.assert_close(*apart)
    assert all(apart[0] @ row >= -1e-4 for row in rows)


def literally(rows: Tensor, order: list[list[int]]) -> Tensor:
    """Project as the paper's algorithm is written, on vectors, in a given order."""
    joined = torch.zeros_like(rows[0])
    for number, gradient in enumerate(rows.clone()):
        for other in order[number]:
            if other != number and gradient @ rows[other] < 0:
                gradient = gradient - gradient @ rows[other] / rows[other].square().sum() * rows[other]
        joined += gradient
    return joined


@pytest.mark.parametrize("objectives", [2, 3, 5])
def test_projection_is_the_papers_algorithm(objectives: int) -> None:
    rows = torch.randn(objectives, 20, generator=torch.Generator().manual_seed(objectives)).double()
    rows -= 0.5 * rows.roll(1, 0)
    drawn = torch.Generator().manual_seed(7)
    order = [torch.randperm(objectives, generator=drawn).tolist() for _ in range(objectives)]
    torch.testing.assert_close(project(rows, seed=7, reduction="sum"), literally(rows, order))


def test_three_objectives_are_taken_in_an_order_drawn_by_the_seed() -> None:
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0], [-1.0, -2.0]])
    assert torch.equal(project(rows, seed=3), project(rows, seed=3))
    assert len({tuple(project(rows, seed=seed).tolist()) for seed in range(20)}) > 1


def test_a_gradient_of_zero_harms_nothing() -> None:
    assert project(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), reduction="sum").tolist() == [1, 2]


def test_cosines_are_named_by_both_objectives() -> None:
    logged = gradient_cosines(["sar", "opt", "sea"], torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]))
    expected = {"train/cosine_sar_opt": 0, "train/cosine_sar_sea": -1, "train/cosine_opt_sea": 0}
    assert {name: value.item() for name, value in logged.items()} == expected


def test_objectives_are_the_terms_unless_grouped() -> None:
    class Grouped(Linear):
        def objectives(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
            return {"all": sum(terms.values())}

    with pytest.raises(PluginError, match=r"gave PCGrad \['all'\]: return two objectives"):
        fit(Grouped(CONFLICTING))


def test_half_precision_with_scaling_is_refused() -> None:
    method = Linear(CONFLICTING)
    method._trainer = type("Stub", (), {"precision": "16-mixed"})()
    with pytest.raises(ConfigError, match="use bf16-mixed or 32-true"):
        method.on_fit_start()


PROCESSES = """
import sys, torch
import pytorch_lightning as pl
from torch.utils.data import DataLoader
from fusionbench.config import OptimizerConfig, StageRecipe
from fusionbench.training.training_set import collate
from fusionbench.training.lightning import lightning_class
from fusionbench.training.pcgrad import PCGradFusionMethod
from fusionbench.types import PairBatch

@lightning_class
class Net(PCGradFusionMethod):
    families = frozenset({"sar-opt"})
    recipe = StageRecipe(clip=0.5, optimizer=OptimizerConfig("sgd", lr=0.5))
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.Tanh(), torch.nn.Conv2d(4, 1, 1))
    def losses(self, batch):
        fused = self.net(torch.cat([batch.a, batch.b], 1))
        return {"a": (fused - batch.a).square().mean(), "b": (fused - batch.b).square().mean()}
    def train_dataloader(self):
        share = Share(self.global_rank, self.trainer.world_size)
        return DataLoader(share, batch_size=4 // self.trainer.world_size, collate_fn=collate)

class Share(torch.utils.data.Dataset):
    def __init__(self, rank, processes):
        a, b = torch.rand(2, 12, 1, 6, 6, generator=torch.Generator().manual_seed(1)) ** torch.tensor(3.0)
        # three batches of four pairs; of each batch a process sees its part, which looks unlike the others'
        a[::2] *= 0.2
        b[1::2] *= 0.1
        batches = [range(4 * k, 4 * k + 4)[rank::processes] for k in range(3)]
        self.pairs = [PairBatch(a[i], b[i]) for batch in batches for i in batch]
    def __len__(self):
        return len(self.pairs)
    def __getitem__(self, number):
        return self.pairs[number]

def run(processes, path):
    trainer = pl.Trainer(
        accelerator="cpu", devices=processes, strategy="ddp" if processes > 1 else "auto", max_epochs=4, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, use_distributed_sampler=False,
    )
    method = Net()
    cosines = []
    method.log_dict = lambda logged, **_: cosines.extend(v for k, v in logged.items() if "cosine" in k)
    trainer.fit(method)
    if trainer.is_global_zero:
        torch.save({"state": method.state_dict(), "cosines": torch.stack(cosines)}, path)

if __name__ == "__main__":
    run(2, sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_equal_one_on_the_joined_batch(tmp_path: Path) -> None:
    script = tmp_path / "processes.py"
    script.write_text(PROCESSES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on loaders; there is no validation
        runpy.run_path(str(script))["run"](1, tmp_path / "one.pt")
    command = [sys.executable, "-W", "ignore", script, tmp_path / "two.pt"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    alone, two = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("one", "two"))
    assert len(alone["cosines"]) == 12
    assert (alone["cosines"] < 0).any(), "no step had a conflict"
    torch.testing.assert_close(two["cosines"], alone["cosines"], rtol=1e-4, atol=1e-5)
    for name, value in alone["state"].items():
        torch.testing.assert_close(two["state"][name], value, rtol=1e-5, atol=1e-6)


PLUGIN = """
import torch
import torch.nn.functional as F
from fusionbench.training.lightning import lightning_class
from fusionbench.training.pcgrad import PCGradFusionMethod

class Tiny(PCGradFusionMethod):
    families = frozenset({"medical"})
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 1, 3, padding=1)
    def fuse(self, a, b):
        return torch.sigmoid(self.conv(F.dropout(torch.cat([a, b], 1), 0.2, self.training)))
    def losses(self, batch):
        fused = self.fuse(batch.a, batch.b)
        return {"a": (fused - batch.a).square().mean(), "b": (fused - batch.b).square().mean()}

CONFIG = {"stages": {"fuse": {
    "epochs": 4, "crop": 32, "batch_size": 2, "clip": 0.1, "optimizer": {"lr": 0.05},
    "schedule": {"name": "cosine", "warmup_steps": 2},
}}}
"""


class PowerCut(Exception):
    """Stands for a kill between two system calls."""


def test_a_training_that_was_stopped_has_the_same_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.py"
    path.write_text(PLUGIN)
    method, pairs = spec(str(path)), find_split(dataset("demo-medical"), "train", limit=6)
    options = FitOptions(device="cpu", quiet=True)
    whole = train(method, method.config(), pairs, tmp_path / "whole", options)
    write = callbacks.write_json

    def write_and_stop(place: Path, document: dict[str, Any]) -> None:
        write(place, document)
        if document["epochs"] == 2:
            raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "write_json", write_and_stop)
        with pytest.raises(PowerCut):
            train(method, method.config(), pairs, tmp_path / "cut", options)
    resumed = train(method, method.config(), pairs, tmp_path / "cut", options)
    curves = [read_curves(folder.path / "fuse") for folder in (whole, resumed)]
    assert {"train/a", "train/b", "train/loss", "train/cosine_a_b"} <= set(curves[0])
    assert len(list((resumed.path / "fuse").glob("csv-*"))) == 2
    assert len(curves[0]) == 4
    assert curves[0].equals(curves[1][curves[0].columns])
    first, second = (load_file(folder.weights) for folder in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)
