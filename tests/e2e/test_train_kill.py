"""A training killed with SIGKILL goes on and ends with the curve and the weights of one that was not."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from command import COMMAND, fusionbench
from safetensors.torch import load_file

from fusionbench.training.curves import read_curves

SHORT = ("epochs=4", "batch_size=4")
# DSIFuse halves five times and normalises over the batch: of 32 pixels the last batch, of one pair, leaves a single value
CROP = {"refinefuse": 32, "dsifuse": 64, "sspfusion": 32}
STAGES = {"refinefuse": ("fuse",), "dsifuse": ("fuse",), "sspfusion": ("structure", "fusion")}


def arguments(method: str) -> list[str]:
    settings = (*SHORT, f"crop={CROP[method]}")
    short = [f"stages.{stage}.{setting}" for stage in STAGES[method] for setting in settings]
    return ["train", "-m", method, "-d", "demo", "--limit", "9", "--device", "cpu", *short]


def kill_in_the_second_epoch(method: str, folder: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, *arguments(method)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not list(folder.glob(f"runs/training/demo/*/*/{STAGES[method][0]}/last.ckpt")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()


def result(method: str, folder: Path) -> tuple[dict[str, pd.DataFrame], dict]:
    (weights,) = folder.glob("runs/training/demo/*/*/weights.safetensors")
    return {stage: read_curves(weights.parent / stage) for stage in STAGES[method]}, load_file(weights)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", STAGES)
def test_a_killed_training_has_the_curve_of_an_undisturbed_one(method: str, tmp_path: Path) -> None:
    for name in ("calm", "killed"):
        (tmp_path / name).mkdir()
    kill_in_the_second_epoch(method, tmp_path / "killed")
    for name in ("calm", "killed"):
        done = fusionbench(*arguments(method), cwd=tmp_path / name)
        assert done.returncode == 0, done.stderr
    (curves, weights), (expected, expected_weights) = (
        result(method, tmp_path / name) for name in ("killed", "calm")
    )
    for stage, curve in expected.items():
        pd.testing.assert_frame_equal(curves[stage], curve, rtol=0, atol=1e-6)
    assert weights.keys() == expected_weights.keys()
    assert all((weights[name] - expected_weights[name]).abs().max() <= 1e-6 for name in weights)
