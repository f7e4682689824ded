"""What a verb that the system refuses something ends with."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from fusionbench.cli.outcome import guarded, resumable

FULL = Path("/dev/full")


def test_a_file_that_the_system_refuses_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def verb() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "ir")

    with pytest.raises(SystemExit) as ended:
        verb()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "Error: 'ir' cannot be used (Permission denied): check that it is there and its permissions.\n"
    )


def test_an_error_of_the_system_that_no_file_explains_is_not_hidden() -> None:
    @guarded
    def verb() -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    with pytest.raises(OSError, match="Bad file descriptor"):
        verb()


def test_only_a_verb_that_resumes_promises_it_after_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    def verb() -> None:
        raise KeyboardInterrupt

    for guard, promised in ((guarded, False), (resumable, True)):
        with pytest.raises(SystemExit) as ended:
            guard(verb)()
        assert ended.value.code == 130
        assert ("the same command resumes it" in capsys.readouterr().err) is promised


@pytest.mark.parametrize("closed", [1, 2])
def test_closed_output_is_no_traceback(closed: int) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -m fusionbench list profiles {closed}>&-', sys.executable],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert bool(ended.stdout) is (closed == 2)


def test_closed_output_costs_no_cell(tmp_path: Path) -> None:
    words = "run -m average -d demo --limit 1 --metrics EN --no-baselines >&- 2>&- <&-"
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -m fusionbench {words}', sys.executable],
        cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0
    assert len([*tmp_path.glob("runs/demo-test/average/*/scores.jsonl")]) == 1


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("verb", [("list", "profiles"), ("list", "profiles", "--json"), ("reported",)])
def test_a_full_disk_behind_standard_output_is_one_sentence(verb: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "fusionbench", *verb],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: The output cannot be written (No space left on device)")
    assert ended.stderr.count("\n") == 1
