"""A sweep with methods that break in every way: good cells finish, bad ones say why; and it survives being killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from command import COMMAND, fusionbench

UNRULY = Path(__file__).with_name("unruly.py")
GOOD = ("average", "infrared", "visible", "maximum", "noisy_average", "laplacian_pyramid")
BAD = {
    "Raises": ("failed", "ValueError: no such luck"),
    "WrongSize": ("failed", "WrongSize.fuse returned"),
    "NotANumber": ("failed", "NaN or infinite"),
    "Sleeps": ("timeout", "--timeout"),
    "Exits": ("failed", "exit code 7"),
    "Eats": ("oom", "--memory-limit"),
    "Segfaults": ("failed", "SIGSEGV"),
}


def sweep_file(folder: Path, methods: tuple[str, ...], limit: int) -> None:
    document = {"methods": methods, "datasets": ["demo"], "limit": limit, "metrics": ["EN", "SF", "VIF"]}
    (folder / "sweep.yaml").write_text(json.dumps(document))


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("chaos")
    sweep_file(folder, (*GOOD, *(f"{UNRULY}:{name}" for name in BAD)), 2)
    limits = ("--timeout", 20, "--memory-limit", 2.5, "--jobs", 2)
    return folder, fusionbench("sweep", "sweep.yaml", *limits, "--json", cwd=folder)


def records(folder: Path) -> dict[str, dict[str, Any]]:
    documents = [json.loads(path.read_text()) for path in folder.glob("runs/demo-test/*/*/run.json")]
    return {record["method"]["name"]: record for record in documents}


def test_good_cells_finish_beside_bad_ones(chaos: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = chaos
    assert done.returncode == 1, done.stderr
    cells = {cell["method"]: cell for cell in json.loads(done.stdout)["cells"]}
    assert len(cells) == len(GOOD) + len(BAD)
    assert {cells[name]["status"] for name in GOOD} == {"ok"}
    assert {records(folder)[name]["status"] for name in GOOD} == {"ok"}


@pytest.mark.parametrize("name", BAD)
def test_each_bad_cell_has_its_own_status_and_message(
    name: str, chaos: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    folder, done = chaos
    status, words = BAD[name]
    record = records(folder)[f"unruly-{name}"]
    assert record["status"] == status, record
    assert words in record["detail"]
    assert f"unruly-{name}: {status}" in done.stderr
    assert "Traceback" not in done.stderr


def test_records_hold_the_end_of_the_log(chaos: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    by_method = records(chaos[0])
    assert "about to leave" in by_method["unruly-Exits"]["log"]
    assert any("no such luck" in line for line in by_method["unruly-Raises"]["log"])
    assert any("Traceback" in line for line in by_method["unruly-Raises"]["log"])


def test_nothing_is_left_running(chaos: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    assert orphans(chaos[0]) == []


def orphans(folder: Path, patience: float = 15) -> list[str]:
    """Return the processes that work in the folder after the call has ended, given some seconds to end."""
    deadline = time.monotonic() + patience
    while True:
        alive = []
        for process in psutil.process_iter(["cwd", "cmdline"]):
            if process.info["cwd"] == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(" ".join(process.info["cmdline"] or []))
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.1)


def scores(folder: Path) -> dict[str, list[str]]:
    return {
        path.parent.parent.name: sorted(path.read_text().splitlines())
        for path in folder.glob("runs/demo-test/*/*/scores.jsonl")
    }


def kill_and_resume(folder: Path, moments: list[float]) -> None:
    """Start the sweep again and again, killing its whole process group; then let it end."""
    for moment in moments:
        process = subprocess.Popen(
            [*COMMAND, "sweep", "sweep.yaml", "--jobs", "2"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert orphans(folder) == []
    done = fusionbench("sweep", "sweep.yaml", "--jobs", 2, cwd=folder)
    assert done.returncode == 0, done.stderr


def check_survival(folder: Path, count: int) -> None:
    (folder / "calm").mkdir()
    (folder / "storm").mkdir()
    for place in ("calm", "storm"):
        sweep_file(folder / place, (*GOOD, "refinefuse"), 6)
    started = time.monotonic()
    assert fusionbench("sweep", "sweep.yaml", "--jobs", 2, cwd=folder / "calm").returncode == 0
    took = time.monotonic() - started
    rng = random.Random(0)
    kill_and_resume(folder / "storm", [rng.uniform(0.3, 1.0) * took for _ in range(count)])
    assert scores(folder / "storm") == scores(folder / "calm")
    assert {record["status"] for record in records(folder / "storm").values()} == {"ok"}


@pytest.mark.slow
def test_two_sweeps_on_the_same_runs_share_the_work(tmp_path: Path) -> None:
    sweep_file(tmp_path, (*GOOD, "refinefuse"), 4)
    processes = [
        subprocess.Popen([*COMMAND, "sweep", "sweep.yaml", "--json"], cwd=tmp_path, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    cells = [json.loads(process.communicate(timeout=300)[0])["cells"] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    for number in range(len(GOOD) + 1):
        assert sum(call[number]["fused"] for call in cells) == 4
        assert sum(call[number]["scored"] for call in cells) == 4


@pytest.mark.slow
def test_a_sweep_killed_and_resumed_ends_with_the_same_scores(tmp_path: Path) -> None:
    check_survival(tmp_path, 2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_sweep_killed_twenty_times_ends_with_the_same_scores(tmp_path: Path) -> None:
    check_survival(tmp_path, 20)
