"""Methods on the same pairs, scored together by the real command, and its process really killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from command import COMMAND, fusionbench

from fusionbench.cells.cell import run_cell
from fusionbench.cells.progress import Reporter
from fusionbench.runs.run import RunOptions, make_jobs, plan_all

METHODS = ("average", "infrared", "maximum", "laplacian_pyramid")


def arguments(methods: str) -> list[str]:
    return ["run", "-m", methods, "-d", "demo", "--limit", "6", "--no-baselines", "--jobs", "1", "--json"]


def scores(folder: Path) -> dict[str, list[str]]:
    return {
        path.parent.parent.name: sorted(path.read_text().splitlines())
        for path in folder.glob("runs/demo-test/*/*/scores.jsonl")
    }


def kill_the_scoring(process: subprocess.Popen[str], folder: Path) -> None:
    """Kill the process that scores, once it has written lines of every cell."""
    deadline = time.monotonic() + 120
    while len(scores(folder)) < len(METHODS) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    (pool,) = psutil.Process(process.pid).children()
    (child,) = pool.children()
    os.kill(child.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("one-by-one")
    options = RunOptions(METHODS, ("demo",), limit=6, baselines=False, out=folder / "runs")
    for job in make_jobs(plan_all([options])):
        assert run_cell(job, Reporter()).status == "ok"
    return scores(folder)


def test_killing_the_process_that_scores_costs_nothing(
    one_by_one: dict[str, list[str]], tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*COMMAND, *arguments(",".join(METHODS))],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    kill_the_scoring(process, tmp_path)
    printed, errors = process.communicate(timeout=240)
    assert "Scoring 4 cells of demo together was not finished (killed by the system" in errors
    assert process.returncode == 0, errors
    assert [(cell["status"], cell["fused"]) for cell in json.loads(printed)["cells"]] == [("ok", 6)] * 4
    assert scores(tmp_path) == one_by_one


def test_a_call_killed_while_it_scores_goes_on_where_the_lines_end(
    one_by_one: dict[str, list[str]], tmp_path: Path
) -> None:
    command = [*COMMAND, *arguments(",".join(METHODS))]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while len(scores(tmp_path)) < len(METHODS) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    kept = scores(tmp_path)
    assert sum(map(len, kept.values())) < sum(map(len, one_by_one.values()))
    done = fusionbench(*command[len(COMMAND) :], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [cell["fused"] for cell in json.loads(done.stdout)["cells"]] == [0] * 4
    assert scores(tmp_path) == one_by_one
