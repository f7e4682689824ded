"""What a metric of another maker does in its process stays there: images, folder, output, exit, children."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.metrics.own_files import VARIABLE
from fusionbench.metrics.profiles import resolve
from fusionbench.metrics.scoring import score

LEVELS = np.random.default_rng(0).integers(0, 256, (24, 24), dtype=np.uint8)
TEXT = """
import os, sys, time
from fusionbench.metrics.image_cache import Outcome, values
from fusionbench.metrics.registry import metric

@metric(name="Bad", title="t", better="higher", unit="u", range=(None, None), convention="c", doi="")
def bad(triple):
    {act}
    return Outcome(values(triple.fused).mean((1, 2)))
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")


def scored(tmp_path: Path, act: str) -> tuple[str, str, float | None]:
    """Score Bad before EN; return the status and detail of Bad and the value of EN."""
    path = tmp_path / "bad.py"
    path.write_text(TEXT.format(act=act))
    scores = score(LEVELS, LEVELS, LEVELS, resolve(f"{path},EN"))
    return scores["Bad"].status, scores["Bad"].detail, scores["EN"].value


@pytest.mark.parametrize(
    ("act", "status", "detail"),
    [
        ("triple.fused.levels.zero_()", "failed", "changes the images it is given"),
        ("values(triple.fused).zero_()", "ok", ""),
        ("triple.fused.of(values).zero_()", "ok", ""),
        ("sys.exit(0)", "failed", "raised SystemExit"),
        ("os._exit(0)", "failed", "ended its process (exit code 0)"),
        ("os.kill(os.getpid(), 9)", "failed", "ended its process (exit code -9)"),
        ("os.chdir('/')", "ok", ""),
        ("os.fork()", "ok", ""),
        ("print('noise')", "ok", ""),
        ("sys.stdout.close()", "ok", ""),
        ("raise KeyboardInterrupt", "failed", "raised KeyboardInterrupt"),
    ],
)
def test_built_in_metrics_and_this_process_do_not_notice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], act: str, status: str, detail: str
) -> None:
    clean, here = score(LEVELS, LEVELS, LEVELS, ["EN"])["EN"].value, os.getcwd()
    bad_status, told, entropy = scored(tmp_path, act)
    assert (bad_status, entropy) == (status, clean)
    assert detail in told
    assert os.getcwd() == here
    assert capfd.readouterr().out == ""
    assert scored(tmp_path, "pass")[0] == "ok"  # the next question has its own answer


def test_a_child_that_is_left_behind_does_not_keep_the_command(tmp_path: Path) -> None:
    for folder in ("ir", "vi", "fused"):
        (tmp_path / folder).mkdir()
        Image.fromarray(LEVELS).save(tmp_path / folder / "1.png")
    act = "print('noise'); os.fork() or time.sleep(600)"
    (tmp_path / "bad.py").write_text(TEXT.format(act=act))
    command = [sys.executable, "-m", "fusionbench", "score", "--a", "ir", "--b", "vi", "--fused", "fused"]
    done = subprocess.run(
        [*command, "--metrics", "./bad.py,EN", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["means"]["Bad"] == pytest.approx(LEVELS.mean())
