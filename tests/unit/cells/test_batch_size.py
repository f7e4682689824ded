"""``--batch-size auto``: what a GPU's memory allows, and kept for as long as the cell lives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.bundle.content import batch_size_of, repeat_command
from fusionbench.cells import cell as cells
from fusionbench.cells.cell import run_cell
from fusionbench.cells.fusing.batch_size import LARGEST, SHARE, batch_for
from fusionbench.cells.planned import Job, RunOptions
from fusionbench.cells.progress import Reporter
from fusionbench.cells.store import Cell
from fusionbench.errors import RequestError
from fusionbench.runs import run as runs
from fusionbench.runs.run import make_jobs, plan_all, plan_run

MEMORY = st.integers(1, 2**40)


@given(MEMORY, MEMORY, MEMORY)
def test_it_fits_and_its_double_would_not(free: int, one: int, more: int) -> None:
    size = batch_for(free, one, one + more)
    assert size in {2**power for power in range(6)}
    assert size == 1 or one + (size - 1) * more <= SHARE * free
    assert size == LARGEST or one + (2 * size - 1) * more > int(SHARE * free)


def test_a_second_pair_that_takes_nothing_gives_the_largest() -> None:
    assert batch_for(100, 10, 10) == LARGEST


def auto_job(out: Path, fresh: bool = False) -> Job:
    options = RunOptions(
        ("average",), ("demo",), limit=3, metrics="EN", baselines=False, device="cpu", out=out, fresh=fresh
    )
    (job,) = make_jobs(plan_all([options]))
    # a plan for a CPU has no "auto" left
    return replace(job, options=replace(job.options, batch_size="auto"))


def test_a_resumed_cell_keeps_the_size_with_which_it_was_begun(tmp_path: Path, monkeypatch) -> None:
    sizes = iter([2, 4])
    monkeypatch.setattr(cells, "fitting_batch", lambda *_: next(sizes))
    cell = Cell(run_cell(auto_job(tmp_path), Reporter()).path)
    next((cell.path / "images").glob("*.png")).unlink()
    assert run_cell(auto_job(tmp_path), Reporter()).fused == 1
    record = cell.read_record()
    assert (record["batch_size"], record["status"]) == (2, "ok")
    assert batch_size_of(record) == 2
    assert "--batch-size 2" in repeat_command(record)
    run_cell(auto_job(tmp_path, fresh=True), Reporter())
    assert cell.read_record()["batch_size"] == 4


def planned(batch_size: int | str) -> RunOptions:
    return plan_run(RunOptions(("average",), ("demo",), batch_size=batch_size, device="auto")).options


def test_on_a_cpu_it_is_one(monkeypatch) -> None:
    monkeypatch.setattr(runs, "pick_device", lambda name: "cpu")
    assert [planned(size).batch_size for size in ("auto", 1, "1", "12")] == [1, 1, 1, 12]


def test_on_a_gpu_it_is_left_to_the_cell(monkeypatch) -> None:
    monkeypatch.setattr(runs, "pick_device", lambda name: "cuda")
    assert planned("auto").batch_size == "auto"


@pytest.mark.parametrize("wrong", ["0", "-2", "2.5", "many", 0, -1, ""])
def test_anything_else_is_refused(wrong: int | str) -> None:
    with pytest.raises(RequestError, match="--batch-size must be a number of pairs, at least 1, or auto"):
        planned(wrong)
