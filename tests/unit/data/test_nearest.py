"""The script that tells how near test pairs are to training pairs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks/nearest.py"
DATA = """title: Own
family: ir-vis
folder: own
splits:
  train: {a: train/ir/*, b: train/vi/*}
  test: {a: test/ir/*, b: test/vi/*}
"""


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.round().astype(np.uint8)).save(path)


def test_a_brightened_copy_is_found_and_an_independent_image_is_not(tmp_path: Path) -> None:
    random, folder = np.random.default_rng(0), tmp_path / "own"
    scenes = random.uniform(0, 200, (3, 4, 64, 64))  # pair; infrared, red, green, blue; height, width
    for side, pairs in (
        ("train", {"known": scenes[0], "other": scenes[1]}),
        ("test", {"copy": scenes[0], "new": scenes[2]}),
    ):
        for name, scene in pairs.items():
            brightness = 50 if name == "copy" else 0
            save(folder / side / "ir" / f"{name}.png", scene[0] + brightness)
            save(folder / side / "vi" / f"{name}.png", np.moveaxis(scene[1:], 0, 2) + brightness)
    (tmp_path / "own.yaml").write_text(DATA)
    own = str(tmp_path / "own.yaml")
    command = [sys.executable, str(SCRIPT), "--train", own, "--test", own, "--data-root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "1 of 2 above 0.9; nearest copy and Own known, 1.000" in line
        assert 0.4 < float(re.search(r"median (\d\.\d\d)", line)[1]) < 0.8
