"""Writing images: complete under their final name or not there at all."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fusionbench.data.images import read_image, write_image
from fusionbench.errors import OutputError

GREY = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
COLOR = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)


@given(st.one_of(arrays(np.uint8, (3, 4)), arrays(np.uint8, (3, 4, 3))))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, image: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("out") / "new" / "x.png"
    write_image(path, image)
    np.testing.assert_array_equal(read_image(path), image)
    assert [file.name for file in path.parent.iterdir()] == ["x.png"]


@pytest.mark.parametrize(
    "image",
    [GREY.astype(np.float32), GREY.astype(np.uint16), GREY[0], COLOR[..., :2], np.zeros((6, 8, 4), np.uint8)],
)
def test_only_8_bit_images_are_written(tmp_path: Path, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="write_image takes uint8"):
        write_image(tmp_path / "x.png", image)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "x.png", GREY)

    def full(_: Image.Image, path: Path, **options: object) -> None:
        path.write_bytes(b"the first half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(
        OutputError, match=r"x.png: No space left on device; free space or choose another folder"
    ):
        write_image(tmp_path / "x.png", COLOR)
    monkeypatch.undo()
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), GREY)
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_really_full_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "os.replace", lambda source, target: Path("/dev/full").write_bytes(Path(source).read_bytes())
    )
    with pytest.raises(OutputError, match="No space left on device"):
        write_image(tmp_path / "x.png", COLOR)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"Cannot write .*x.png"):
        write_image(tmp_path / "file" / "x.png", GREY)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        write_image(tmp_path / "x.png", GREY)


def test_an_interrupt_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "x.png", GREY)
    assert list(tmp_path.iterdir()) == []
