"""Two folders of images without a data set: what pairs, and what is said where nothing does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.own.folder_pairs import pair_folders, reading_of
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import DataNotFoundError, FusionbenchError, RequestError

NAMES = ("--a", "--b")


def save(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).save(path)
    return path


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        save(folder / name) if name.endswith((".png", ".gif", ".jpg")) else (folder / name).write_bytes(b"x")
    return folder


def test_gif_and_png_pair_and_other_readings_are_said(tmp_path: Path) -> None:
    a, b = fill(tmp_path / "MRI", "1.gif", "2.gif"), fill(tmp_path / "PET", "1.png", "2.jpg")
    pairs = pair_folders(a, b, NAMES)
    assert [pair.id for pair in pairs] == ["1", "2"]
    assert reading_of(pairs) is None
    a, b = (
        fill(tmp_path / "ir", "IR1.png", "IR10.png", "IR2.png"),
        fill(tmp_path / "vi", "VIS1.png", "VIS10.png", "VIS2.png"),
    )
    pairs = pair_folders(a, b, NAMES)
    assert [(pair.id, pair.b.name) for pair in pairs] == [
        ("1", "VIS1.png"),
        ("2", "VIS2.png"),
        ("10", "VIS10.png"),
    ]
    assert "IR1.png' and" in str(reading_of(pairs))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["1.dcm", "2.dcm"], r"holds 2 files \(.dcm\), none PNG, JPEG, BMP, GIF or TIFF: export the slices"),
        (["1.nii.gz"], r"holds 1 files \(.nii.gz\), none .*: export the slices .* docs/datasets.md"),
        (["1.npy", "2.mat"], r"\(.npy, .mat\), none .*: save the arrays as PNG"),
        (["1.webp"], r"holds 1 files \(.webp\), none .*: convert them"),
        ([], r"ir' is empty: give a folder of images"),
        (
            ["day/1.png", "night/1.png"],
            r"There is no image directly in '.*ir', but there are some in '.*day' and 1 more folders",
        ),
    ],
)
def test_a_folder_without_images_is_described(tmp_path: Path, files: list[str], message: str) -> None:
    a, b = tmp_path / "ir", fill(tmp_path / "vi", "1.png")
    a.mkdir()
    for name in files:
        fill((a / name).parent, (a / name).name)
    with pytest.raises(DataNotFoundError, match=message):
        pair_folders(a, b, NAMES)


def test_names_that_differ_are_shown_of_each_folder(tmp_path: Path) -> None:
    a, b = fill(tmp_path / "ir", "cat.png"), fill(tmp_path / "vi", "dog.png")
    with pytest.raises(
        DataNotFoundError, match=r"the names differ, 'cat.png' in one and 'dog.png' in the other"
    ):
        pair_folders(a, b, NAMES)
    fill(a, "1.png"), fill(b, "1.png")
    with pytest.raises(
        DataNotFoundError, match=r"2 images of .* have no partner of the same name: '.*cat.png'"
    ):
        pair_folders(a, b, NAMES)


def test_one_folder_and_none(tmp_path: Path) -> None:
    a = fill(tmp_path / "ir", "1.png")
    with pytest.raises(RequestError, match="--a and --b are one folder"):
        pair_folders(a, tmp_path / "ir" / ".", NAMES)
    with pytest.raises(DataNotFoundError, match="nowhere' does not exist"):
        pair_folders(a, tmp_path / "nowhere", NAMES)


@pytest.mark.parametrize(
    ("ir", "vi"), [("Ir", "Vis"), ("IR", "VI"), ("thermal", "Visible"), ("infrared", "rgb")]
)
def test_folders_of_a_data_set_may_be_called_otherwise(tmp_path: Path, ir: str, vi: str) -> None:
    fill(tmp_path / "M3FD" / ir, "00001.png"), fill(tmp_path / "M3FD" / vi, "00001.png")
    (pair,) = find_split(dataset("m3fd"), "test", tmp_path).pairs
    assert (pair.a.parent.name, pair.b.parent.name) == (ir, vi)


def test_a_choice_between_two_folders_is_not_made(tmp_path: Path) -> None:
    for name in ("thermal", "infrared", "vi"):
        fill(tmp_path / "M3FD" / name, "00001.png")
    with pytest.raises(DataNotFoundError, match="M3FD is not here: no folder"):
        find_split(dataset("m3fd"), "test", tmp_path)


def test_the_names_of_a_data_set_may_have_an_addition(tmp_path: Path) -> None:
    (
        fill(tmp_path / "TNO" / "ir", "IR1.png", "IR2.png", "IR3.png"),
        fill(tmp_path / "TNO" / "vi", "VIS1.png", "VIS3.png"),
    )
    split = find_split(dataset("tno"), "test", tmp_path)
    assert (split.ids, split.unmatched) == (("1", "3"), ("ir/IR2.png",))


def test_a_data_set_without_a_pair_says_what_is_there(tmp_path: Path) -> None:
    fill(tmp_path / "TNO" / "ir", "1.dcm"), fill(tmp_path / "TNO" / "vi", "1.png")
    with pytest.raises(FusionbenchError, match=r"No pair of TNO \(test\): '.*ir' holds 1 files \(.dcm\)"):
        find_split(dataset("tno"), "test", tmp_path)
    fill(tmp_path / "TNO" / "ir", "cat.png")
    with pytest.raises(FusionbenchError, match=r"where the first are 'cat.png' and '1.png'"):
        find_split(dataset("tno"), "test", tmp_path)
