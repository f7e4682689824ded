"""What changes between the plan and the work is noticed: no record may name code or weights that did not make its images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fusionbench.cells.cell import run_cell
from fusionbench.cells.done import find_done
from fusionbench.cells.planned import CellResult, Job
from fusionbench.cells.progress import Reporter
from fusionbench.cells.store import Cell
from fusionbench.runs.run import RunOptions, make_jobs, plan_all

PLUGIN = """
import torch
from fusionbench import FusionMethod


class Mine(FusionMethod):
    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(0.5))

    def fuse(self, a, b):
        return (self.gain * a).clamp(0, 1)
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "own.py").write_text(PLUGIN)
    torch.save({"gain": torch.tensor(0.25)}, tmp_path / "own.pth")
    asked = RunOptions(
        (str(tmp_path / "own.py"),),
        ("demo",),
        weights=str(tmp_path / "own.pth"),
        limit=1,
        metrics="EN",
        baselines=False,
        out=tmp_path / "runs",
        device="cpu",
    )
    return make_jobs(plan_all([asked]))[0]


def do(job: Job) -> CellResult:
    return run_cell(job, Reporter())


def test_the_worker_uses_what_the_plan_chose(job: Job) -> None:
    result = do(job)
    record = Cell(result.path).read_record()
    assert result.status == "ok"
    assert record["identity"] == {**job.identity, "weights": job.weights.sha256}
    assert find_done(job).path == result.path


def test_a_method_edited_since_the_plan_fails_its_cell(job: Job, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(PLUGIN.replace("self.gain * a", "self.gain * (1 - a)"))
    result = do(job)
    assert (result.status, result.fused) == ("failed", 0)
    assert result.detail == "The files of own-Mine changed since the run was planned: run again."
    assert not list((tmp_path / "runs").rglob("*.png"))


def test_weights_replaced_since_the_plan_are_not_used(job: Job, tmp_path: Path) -> None:
    torch.save({"gain": torch.tensor(0.75)}, tmp_path / "own.pth")
    result = do(job)
    assert result.status == "unavailable"
    assert "were replaced since the run was planned: run again." in result.detail
    assert not list((tmp_path / "runs").rglob("*.png"))


def test_weights_that_come_after_the_plan_are_those_of_a_later_run(job: Job) -> None:
    undecided = replace(job, weights=None)
    assert find_done(undecided) is None
    assert Cell(do(undecided).path) == Cell(do(job).path)
