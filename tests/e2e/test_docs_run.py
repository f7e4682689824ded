"""The commands of README and docs/, run one after the other in a folder that has what they speak of."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.registry import datasets
from tests.e2e.test_docs import FENCE, PAGES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
FAMILY = {"msrs": "D", "tno": "", "roadscene": "", "harvard-mri-pet": ""}
# what cannot be run here, and why
NOT_RUN = {
    r"pip install": "installing is what .ci/run does",
    r"train --method": "days by the paper's recipe; tests/unit and test_train_kill train",
    r"weights (fetch|import)": "needs the network or a file of somebody else",
    r"downstream|mIoU": "needs labels and hours of training; tests/unit/downstream trains on small ones",
    r"SBATCH": "a comment for the scheduler",
    r"sweep mine\.yaml": "the reader's own file",
}
OWN_TESTS = ("plugins.md",)  # test_new_method.py runs its transcript, from an empty folder
# 1 where a row or a column lacks weights that nobody ships
ALLOWED = {
    "weights verify": (0, 1),
    "liqe": (1,),
    "--method deep": (1,),
    "fusionbench sweep refinefuse_table1": (1,),
    "seafusion@official": (1,),
    "sweep ir-vis": (1,),
    "sweep demo": (1,),
}


def textured(seed: int, color: bool) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (13, 17, 3) if color else (13, 17), dtype=np.uint8)
    return Image.fromarray(noise).resize((128, 96), Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Small copies of four data sets, fused images, and single files under the names that the docs use."""
    for name, mark in FAMILY.items():
        entry = datasets()[name]
        for split in entry.splits.values():
            for number in range(3):
                for source, glob in enumerate((split.a, split.b)):
                    file = tmp_path / "data" / entry.folder / Path(glob).parent / f"{number}{mark}.png"
                    save(file, textured(10 * number + source, color=source == 1))
    for number in range(3):
        ids = f"{number}D.png"
        for folder in ("results/DSIFuse", "results/mine", "results/theirs", "vi"):
            save(tmp_path / folder / ids, textured(number, color=True))
        save(tmp_path / "ir" / ids, textured(number + 50, color=False))
        save(tmp_path / "my_results" / f"{number}.png", textured(number, color=True))
        save(tmp_path / "MYDATA" / "thermal" / f"IR{number}.png", textured(number + 70, color=False))
        save(tmp_path / "MYDATA" / "rgb" / f"RGB{number}.png", textured(number + 80, color=True))
    for name in ("ir", "vis", "fused"):
        save(tmp_path / f"{name}.png", textured(len(name), color=name != "ir"))
    example = FENCE_PYTHON.search((PAGES[0]).read_text(encoding="utf-8"))
    assert example is not None
    (tmp_path / "mine.py").write_text(example[1], encoding="utf-8")
    return tmp_path


FENCE_PYTHON = re.compile(r"```python\n(# mine\.py.*?)```", re.DOTALL)


def shown(page: Path) -> list[str]:
    blocks = "\n".join(FENCE.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ")
    lines = [line.partition(" #")[0].strip().removeprefix("$ ") for line in blocks.splitlines()]
    wanted = [line for line in lines if "fusionbench" in line]
    return [line for line in wanted if not any(re.search(pattern, line) for pattern in NOT_RUN)]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in OWN_TESTS and shown(page)], ids=lambda page: page.name
)
def test_the_commands_of_a_page_run(page: Path, place: Path) -> None:
    environment = os.environ | {
        "FUSIONBENCH_DATA": str(place / "data"), "FUSIONBENCH_WEIGHTS": str(place / "weights"),
        "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "1", "OMP_NUM_THREADS": "1",
        "FUSIONBENCH_OFFLINE": "1",
    }  # fmt: skip
    command = f"{shlex.quote(sys.executable)} -m fusionbench"

    def run(line: str) -> subprocess.CompletedProcess[str]:
        line = re.sub(r"(?<=[ /])(/shared)?/data\b", str(place / "data"), line)
        return subprocess.run(
            ["bash", "-c", re.sub(r"^fusionbench", command, line)],
            cwd=place, env=environment, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip

    # what pages take for granted: some runs
    first = run("fusionbench run --method baselines --dataset msrs,tno,demo --profile canonical")
    assert first.returncode == 0, first.stderr
    for line in shown(page):
        done = run(line)
        allowed = next((codes for key, codes in ALLOWED.items() if key in line), (0,))
        assert done.returncode in allowed, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
