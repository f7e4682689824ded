"""A real SIGKILL at several moments: the same command ends with the same bytes, and Ctrl-C says what is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import COMMAND, fusionbench

ARGUMENTS = [
    "run",
    "-m",
    "refinefuse",
    "-d",
    "demo",
    "--metrics",
    "EN,SF,VIF",
    "--limit",
    "5",
    "--no-baselines",
]


def state(folder: Path) -> tuple[dict[str, bytes], list[bytes]]:
    cell = next(folder.glob("runs/demo-test/refinefuse/*"))
    images = {path.name: path.read_bytes() for path in sorted((cell / "images").glob("*.png"))}
    return images, sorted((cell / "scores.jsonl").read_bytes().splitlines())


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *ARGUMENTS],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        # a test run in the background is started with Ctrl-C ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(
    pattern: str, folder: Path, count: int, process: subprocess.Popen[str], lines: bool = False
) -> None:
    """Wait until so many files, or lines in the first file, are there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        files = list(folder.glob(pattern))
        number = len(files[0].read_bytes().splitlines()) if lines and files else len(files)
        if (not lines or files) and number >= count:
            return
        time.sleep(0.005)
    pytest.fail(f"{pattern} did not reach {count}: {process.communicate()[1]}")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], list[bytes]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = fusionbench(*ARGUMENTS, cwd=folder)
    assert done.returncode == 0, done.stderr
    return state(folder)


@pytest.mark.parametrize(
    ("pattern", "count", "lines"),
    [
        pytest.param("runs/demo-test/refinefuse/*/run.json", 1, False, marks=pytest.mark.slow),
        ("runs/demo-test/refinefuse/*/images/*.png", 2, False),
        pytest.param("runs/demo-test/refinefuse/*/scores.jsonl", 4, True, marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_ends_with_the_same_bytes(
    pattern: str, count: int, lines: bool, undisturbed: tuple[dict[str, bytes], list[bytes]], tmp_path: Path
) -> None:
    process = start(tmp_path)
    wait_for(pattern, tmp_path, count, process, lines)
    process.kill()
    process.communicate()
    kept = {
        p: p.stat().st_mtime_ns
        for p in tmp_path.glob("runs/demo-test/refinefuse/*/images/*.png")
        if p.name[0] != "."
    }
    assert fusionbench(*ARGUMENTS, cwd=tmp_path).returncode == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert state(tmp_path) == undisturbed


def test_ctrl_c_keeps_what_is_done_and_exits_with_130(
    undisturbed: tuple[dict[str, bytes], list[bytes]], tmp_path: Path
) -> None:
    process = start(tmp_path)
    wait_for("runs/demo-test/refinefuse/*/images/*.png", tmp_path, 1, process)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. Finished work is kept; the same command resumes it." in errors
    assert "Traceback" not in errors
    assert fusionbench(*ARGUMENTS, cwd=tmp_path).returncode == 0
    assert state(tmp_path) == undisturbed


def test_two_processes_share_a_runs_folder(
    undisturbed: tuple[dict[str, bytes], list[bytes]], tmp_path: Path
) -> None:
    processes = [start(tmp_path), start(tmp_path)]
    for process in processes:
        process.communicate(timeout=240)
    assert [process.returncode for process in processes] == [0, 0]
    assert state(tmp_path) == undisturbed
