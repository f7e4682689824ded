"""What LSNF's card says of itself reaches the records that captions are made from."""

from __future__ import annotations

from pathlib import Path

from fusionbench.cells.planned import RunOptions
from fusionbench.cells.record import new_record
from fusionbench.registry.methods import card
from fusionbench.runs.run import make_jobs, plan_all
from fusionbench.weights.methods import Weights


def test_the_record_says_that_the_losses_are_not_the_authors(tmp_path: Path) -> None:
    reading = card("lsnf").reading
    assert "losses, critics and recipe are our reading, not the authors'" in reading
    asked = RunOptions(
        ("lsnf@wo_gwpl", "average"), ("demo-sar-opt",), weights="random", baselines=False, out=tmp_path
    )
    for job in make_jobs(plan_all([asked])):
        record = new_record(job, Weights("none"))
        assert record["method"]["reading"] == (reading if job.planned.name.startswith("lsnf") else None)
