"""A disk that fills up in the middle of a run: one sentence, earlier work whole, and the next run completes it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import fusionbench
from fusionbench.cells.cell import run_cell
from fusionbench.cells.progress import Reporter
from fusionbench.data import pipeline
from fusionbench.errors import OutputError
from fusionbench.runs.run import RunOptions, make_jobs, plan_all


def test_a_full_disk_stops_the_run_and_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    real = pipeline.write_image

    def write(path: Path, image: object) -> None:
        if len(written) == 2:
            raise OutputError(f"Cannot write {path}: {os.strerror(errno.ENOSPC)}; free space and run again.")
        written.append(path)
        real(path, image)

    options = RunOptions(("average",), ("demo",), limit=4, metrics="EN", baselines=False, out=tmp_path)
    (job,) = make_jobs(plan_all([options]))
    monkeypatch.setattr(pipeline, "write_image", write)
    with pytest.raises(OutputError, match="No space left"):
        run_cell(job, Reporter())
    monkeypatch.setattr(pipeline, "write_image", real)
    stamps = {path: path.stat().st_mtime_ns for path in written}
    result = run_cell(job, Reporter())
    assert (result.status, result.fused) == ("ok", 2)
    assert {path: path.stat().st_mtime_ns for path in written} == stamps


def test_a_place_that_cannot_hold_a_cell_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "demo-test").write_text("a file where the data set's folder must be")
    with pytest.raises(OutputError, match="Cannot write"):
        fusionbench.run("average", "demo", limit=1, metrics="EN", baselines=False, out=tmp_path)
