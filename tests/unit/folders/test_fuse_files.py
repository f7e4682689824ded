"""Fusing folders: images are read ahead and written beside the method, and one that cannot be used costs its pair."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fusionbench.cli.app import app
from fusionbench.data import pipeline
from fusionbench.data.images import read_image, write_image
from fusionbench.folders.fuse_files import FileOptions, fuse_files

BY_COMMAND = """
import shutil, sys
from pathlib import Path
a, b, out = map(Path, sys.argv[1:])
for file in sorted(b.iterdir()):
    if file.stem != "3":
        shutil.copy(file, out / file.name)
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for folder in ("a", "b"):
        for number in range(4):
            write_image(tmp_path / folder / f"{number}.png", np.full((8, 9), 40 * number, np.uint8))
    return tmp_path


def fuse(sources: Path, method: str = "average"):
    command = ["fuse", *(str(sources / name) for name in "ab"), "-m", method, "-o", str(sources / "f")]
    return CliRunner().invoke(app, command)


def test_a_pair_that_cannot_be_used_costs_only_itself(sources: Path) -> None:
    (sources / "b/0.png").write_bytes(b"no image")
    write_image(sources / "a/2.png", np.zeros((8, 8), np.uint8))
    done = fuse(sources)
    assert done.exit_code == 1
    assert done.stdout.split() == [str(sources / f"f/{number}.png") for number in (1, 3)]
    damaged, other_size = done.stderr.splitlines()
    assert damaged.startswith(f"Error: '{sources / 'b/0.png'}' is not an image")
    assert other_size.startswith("Error: The images of a pair must have one size")
    assert [(read_image(sources / f"f/{number}.png") == 40 * number).all() for number in (1, 3)] == [True] * 2
    assert sorted(path.name for path in (sources / "f").iterdir()) == ["1.png", "3.png"]


@pytest.mark.parametrize("whole", [True, False])
def test_without_any_fused_pair_the_request_failed(sources: Path, whole: bool) -> None:
    for path in (sources / "b").iterdir():
        path.write_bytes(b"")
    names = ["a", "b"] if whole else ["a/1.png", "b/1.png"]
    output = sources / ("f" if whole else "f.png")
    asked = ["fuse", *(str(sources / name) for name in names), "-m", "average", "-o", str(output)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("is empty (0 bytes)") == (4 if whole else 1)


def test_a_command_gets_the_pairs_that_can_be_used(sources: Path) -> None:
    method = sources / "copied"
    method.mkdir()
    (method / "fuse.py").write_text(BY_COMMAND)
    (method / "card.yaml").write_text(
        'title: copied\nkind: classical\nfamilies: [ir-vis]\ncommand: ["{python}", fuse.py, "{a}", "{b}", "{out}"]\n'
    )
    (sources / "b/0.png").write_bytes(b"no image")
    done = fuse(sources, str(method))
    assert done.exit_code == 1
    assert done.stdout.split() == [str(sources / f"f/{number}.png") for number in (1, 2)]
    damaged, absent = done.stderr.splitlines()
    assert "b/0.png" in damaged
    assert "No image '3'" in absent


def test_a_method_that_raises_is_one_sentence_after_its_traceback(sources: Path) -> None:
    (sources / "mine.py").write_text(
        "from fusionbench import FusionMethod\n\n\nclass Mine(FusionMethod):\n    families = {'ir-vis'}\n\n"
        "    def fuse(self, a, b):\n        raise ValueError('odd\\nsize')\n"
    )
    done = fuse(sources, str(sources / "mine.py"))
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: {sources / 'mine.py'} on '0': ValueError: odd size"


def test_images_of_folders_are_written_beside_the_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = threading.Barrier(2, timeout=60)

    def meet(path: Path, image: np.ndarray) -> None:
        meeting.wait()  # one writer alone would wait in vain
        write_image(path, image)

    monkeypatch.setattr(pipeline, "write_image", meet)
    for folder in ("a", "b"):
        for number in range(12):
            write_image(tmp_path / folder / f"{number:02d}.png", np.full((8, 9), number, np.uint8))
    told = list(fuse_files(tmp_path / "a", tmp_path / "b", tmp_path / "f", FileOptions("average")))
    assert [path.name for path in told] == [f"{number:02d}.png" for number in range(12)]
    assert all((read_image(path) == int(path.stem)).all() for path in told)
