"""Runs to pack, made in this process: starting others costs more than all that they do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fusionbench.cells.cell import run_cell
from fusionbench.cells.progress import Reporter
from fusionbench.runs.run import RunOptions, make_jobs, plan_all


@pytest.fixture(scope="session")
def fused() -> Callable[[Path, str, int], Path]:
    """Return a function that fuses the first demo pairs by averaging, scores them and returns the runs folder."""

    def fuse(out: Path, metrics: str, limit: int) -> Path:
        asked = RunOptions(
            ("average",), ("demo",), metrics=metrics, limit=limit, baselines=False, out=out, device="cpu"
        )
        for job in make_jobs(plan_all([asked])):
            assert run_cell(job, Reporter()).status == "ok"
        return out

    return fuse
