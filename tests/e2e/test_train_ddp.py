"""Training on two devices by Lightning's own strategy, here two processes on the CPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import fusionbench

QUICK = ("stages.fuse.epochs=1", "stages.fuse.crop=32", "trainer.devices=2", "trainer.strategy=ddp")


@pytest.mark.slow
def test_two_processes_make_one_set_of_weights_and_one_document(tmp_path: Path) -> None:
    train = ("train", "-m", "refinefuse@cpu", "-d", "demo", "--device", "cpu", *QUICK, "--json")
    done = fusionbench(*train, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / json.loads(done.stdout)["weights"]).is_file()
