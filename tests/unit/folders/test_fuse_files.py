"""Fusing folders: images are read ahead and written beside the method, and told in order, also before an error."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from fusionbench.data import pipeline
from fusionbench.data.images import read_image, write_image
from fusionbench.errors import ImageError
from fusionbench.folders.fuse_files import FileOptions, fuse_files


def test_pairs_before_a_damaged_one_are_stored_and_told(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        for number in range(4):
            write_image(tmp_path / folder / f"{number}.png", np.full((8, 9), 40 * number, np.uint8))
    (tmp_path / "b/2.png").write_bytes(b"no image")
    steps = fuse_files(tmp_path / "a", tmp_path / "b", tmp_path / "f", FileOptions("average"))
    assert [next(steps), next(steps)] == [tmp_path / "f/0.png", tmp_path / "f/1.png"]
    with pytest.raises(ImageError, match=r"2\.png"):
        next(steps)
    assert (read_image(tmp_path / "f/1.png") == 40).all()


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
