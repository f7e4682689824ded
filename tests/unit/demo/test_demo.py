"""Generated scenes: deterministic across processes, varied, complete, and different in their modalities."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fusionbench.data import demo
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import OutputError

NAMES = sorted(demo.GENERATORS)
DIGEST = """
import hashlib, sys
from fusionbench.data import demo
s = demo.scene(sys.argv[1], "test", 2)
print(hashlib.sha256(s.a.tobytes() + s.b.tobytes()).hexdigest())
"""


def digest(scene: demo.Scene) -> str:
    return hashlib.sha256(scene.a.tobytes() + scene.b.tobytes()).hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_another_process_generates_the_same_bytes(name: str) -> None:
    command = [sys.executable, "-c", DIGEST, name]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert digest(demo.scene(name, "test", 2)) == other


@pytest.mark.parametrize("name", NAMES)
def test_scenes_differ_within_and_across_splits(name: str) -> None:
    scenes = [demo.scene(name, split, number) for split in ("test", "train") for number in range(3)]
    assert len({digest(scene) for scene in scenes}) == 6


@pytest.mark.parametrize("name", NAMES)
def test_splits_have_as_many_pairs_as_the_catalog_says(name: str) -> None:
    for split in ("test", "train"):
        split_here = find_split(dataset(name), split)
        assert len(split_here.pairs) == split_here.expected == demo.COUNTS[name][split]
        assert split_here.unmatched == ()


@pytest.mark.parametrize("name", NAMES)
def test_modalities_are_registered_but_not_alike(name: str) -> None:
    for number in range(3):
        scene = demo.scene(name, "test", number)
        assert scene.a.shape == scene.b.shape[:2]
        luma = scene.b.astype(float) @ [0.299, 0.587, 0.114]
        assert abs(np.corrcoef(scene.a.ravel(), luma.ravel())[0, 1]) < 0.9
        assert scene.a.std() > 8
        assert luma.std() > 8


def test_people_are_warm_and_nearly_invisible_at_night() -> None:
    contrasts = []
    for number in range(8):
        scene = demo.scene("demo", "test", number)
        people = scene.label == 2
        luma = scene.b.astype(float) @ [0.299, 0.587, 0.114]
        assert scene.a[people].mean() > scene.a[~people].mean() + 60
        contrasts.append((luma[~people].mean(), abs(luma[people].mean() - luma[~people].mean())))
    nights = [contrast for brightness, contrast in contrasts if brightness < 60]
    assert nights
    assert max(nights) < 60


def test_some_test_scenes_have_odd_sides() -> None:
    sizes = {demo.scene("demo", "test", number).a.shape for number in range(8)}
    assert any(height % 2 and width % 2 for height, width in sizes)


def test_a_cache_that_cannot_be_written_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="FUSIONBENCH_CACHE"):
        demo.ensure("demo", "test")


def test_two_processes_may_generate_one_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path))
    script = "from fusionbench.data import demo; print(demo.ensure('demo-medical', 'test'))"
    racers = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = {racer.communicate()[0].strip() for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0]
    folder = Path(folders.pop())
    assert not folders
    assert [path.name for path in folder.iterdir()] == ["test"]
    assert len(list((folder / "test" / "PET").iterdir())) == 6
