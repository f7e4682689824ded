"""The script that times the maximum mean discrepancy: its naive way means what ours means, and it prints what it measures."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fusionbench.metrics.learned.mmd import mmd

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks/perf/mmd.py"


def run(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), *options], capture_output=True, text=True
    )


def test_naive_equals_blocks():
    x, y = np.random.default_rng(0).normal(size=(2, 40, 16)).astype(np.float32)
    assert runpy.run_path(str(SCRIPT))["naive"](x, y) == pytest.approx(mmd(x, y), abs=1e-9)


def test_every_way_is_measured():
    completed = run("--sizes", "64", "300", "--dim", "32", "--naive-to", "100", "--resamples", "10", "--json")
    assert (completed.returncode, completed.stderr) == (0, "")
    rows = json.loads(completed.stdout)
    assert [(row["size"], row["way"]) for row in rows] == [
        (64, "blocks"),
        (64, "with interval"),
        (64, "naive"),
        (300, "blocks"),
        (300, "with interval"),
    ]
    assert all(row["seconds"] > 0 and row["peak_mb"] >= 0 for row in rows)
    assert {round(row["value"], 9) for row in rows if row["size"] == 64} == {round(rows[0]["value"], 9)}


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 140 s of CPU
def test_twenty_thousand_images_take_less_than_two_gigabytes():
    completed = run("--sizes", "20000", "--dim", "1024", "--naive-to", "1", "--json")
    assert (completed.returncode, completed.stderr) == (0, "")
    rows = json.loads(completed.stdout)
    assert [(row["size"], row["way"]) for row in rows] == [(20_000, "blocks"), (20_000, "with interval")]
    assert all(
        100 < row["peak_mb"] < 2000 for row in rows
    )  # two such matrices of kernel values would take 6400


def test_what_cannot_be_measured_is_refused():
    completed = run("--sizes", "0")
    assert completed.returncode == 2
    assert "at least 1" in completed.stderr
