"""Data sets by a folder's path alone: layouts that are understood, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.own.own_folder import is_folder
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import ConfigError, DataNotFoundError, RequestError, UnknownNameError
from fusionbench.scaffold import new_dataset


def fill(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).save(root / name)
    return root


@pytest.mark.parametrize(
    ("files", "family", "titles", "globs", "ids"),
    [
        (["ir/1.png", "vi/1.png"], "ir-vis", ("infrared", "visible"), {"test": ("ir/*", "vi/*")}, ["1"]),
        (["Thermal/1.png", "RGB/1.png"], "ir-vis", ("infrared", "visible"), {"test": ("Thermal/*", "RGB/*")}, ["1"]),
        (["cropinfrared/1.png", "crop_LR_visible/1.png"], "ir-vis", ("infrared", "visible"), {"test": ("cropinfrared/*", "crop_LR_visible/*")}, ["1"]),
        (["SAR/1.png", "rgb/1.png"], "sar-opt", ("SAR", "optical"), {"test": ("SAR/*", "rgb/*")}, ["1"]),
        (["MRI/1.gif", "PET/1.gif"], "medical", ("MRI", "PET"), {"test": ("MRI/*", "PET/*")}, ["1"]),
        (["MR/1.png", "CT/1.png"], "medical", ("MRI", "CT"), {"test": ("MR/*", "CT/*")}, ["1"]),
        (
            ["Train/sar/1.png", "Train/opt/1.png", "Test/sar/2.png", "Test/opt/2.png"],
            "sar-opt", ("SAR", "optical"), {"train": ("Train/sar/*", "Train/opt/*"), "test": ("Test/sar/*", "Test/opt/*")}, ["2"],
        ),
        (
            ["ir/train/1.png", "ir/test/2.png", "vi/train/1.png", "vi/test/2.png"],
            "ir-vis", ("infrared", "visible"), {"train": ("ir/train/*", "vi/train/*"), "test": ("ir/test/*", "vi/test/*")}, ["2"],
        ),
        (
            ["infrared_Enhance/s1/0.png", "infrared_Enhance/s2/0.png", "visible_Enhance/s1/0.png", "visible_Enhance/s2/0.png"],
            "ir-vis", ("infrared", "visible"), {"test": ("infrared_Enhance/*/*", "visible_Enhance/*/*")}, ["s1_0", "s2_0"],
        ),
        (["ir/1.png", "vi/1.png", "ir_warp/1.png", "labels/1.png"], "ir-vis", ("infrared", "visible"), {"test": ("ir/*", "vi/*")}, ["1"]),
    ],
)  # fmt: skip
def test_layouts_are_told_by_names(
    tmp_path: Path, files: list[str], family: str, titles: tuple[str, str], globs: dict, ids: list[str]
) -> None:
    spec = dataset(str(fill(tmp_path / "My_Data", *files)))
    assert (spec.name, spec.title, spec.family, (spec.a, spec.b)) == ("my-data", "My_Data", family, titles)
    assert {name: (split.a, split.b) for name, split in spec.splits.items()} == globs
    assert list(find_split(spec, "test").ids) == ids
    assert find_split(dataset("my-data"), "test").ids == tuple(ids)  # records keep the name alone


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["left/1.png", "right/1.png"],
            r"not understood as a data set \(folders: 'left', 'right'\).*new dataset",
        ),
        (["1.png"], r"\(folders: none\)"),
        (
            ["MRI/1.png", "PET/1.png", "CT/1.png"],
            r"several pairs of folders, 'MRI' with 'CT' and 'MRI' with 'PET'",
        ),
        (["ir/1.png", "thermal/1.png", "vi/1.png"], "several pairs of folders"),
    ],
)
def test_nothing_is_guessed(tmp_path: Path, files: list[str], message: str) -> None:
    with pytest.raises(DataNotFoundError, match=message):
        dataset(str(fill(tmp_path / "mine", *files)))


def test_names_that_are_taken_or_unusable_and_folders_that_are_not_there(tmp_path: Path) -> None:
    pair = ("ir/1.png", "vi/1.png")
    with pytest.raises(ConfigError, match=r"would be called 'tno' like .* `--dataset tno --data-root"):
        dataset(str(fill(tmp_path / "TNO", *pair)))
    with pytest.raises(ConfigError, match="cannot name a data set"):
        dataset(str(fill(tmp_path / "my data, 2", *pair)))
    with pytest.raises(DataNotFoundError, match="does not exist"):
        dataset("./nowhere")


def test_training_needs_a_split_of_its_own(tmp_path: Path) -> None:
    spec = dataset(str(fill(tmp_path / "flat", "ir/1.png", "vi/1.png")))
    with pytest.raises(DataNotFoundError, match="flat has no split 'train', only test"):
        find_split(spec, "train")


def test_a_path_is_told_from_a_name() -> None:
    assert all(map(is_folder, ("./x", "../x", "a/b", "/a", "~/x", ".")))
    assert not any(map(is_folder, ("msrs", "harvard-mri-pet", "all", "")))


@pytest.mark.parametrize(
    ("folder", "split", "pairs"),
    [
        ("SEN1-2-gray", "test", 158),
        ("SEN1-2-gray", "train", 450),
        ("SEN1-2-rgb", "train", 48),
        ("Optical-SAR-dataset", "train", 4),
        ("Optical-SAR-dataset", "test", 2),
        ("FMB", "test", 5),
        ("M3SVD", "test", 18),
    ],
)
def test_real_folders_without_a_catalog_entry(shared_data: Path, folder: str, split: str, pairs: int) -> None:
    split_here = find_split(dataset(str(shared_data / folder)), split)
    assert (len(split_here.pairs), split_here.unmatched) == (pairs, ())


@pytest.mark.parametrize("beside", [True, False])
def test_a_file_is_begun_with_what_was_found(tmp_path: Path, beside: bool) -> None:
    home = fill(tmp_path / "mine", "train/sar/1.png", "train/opt/1.png", "test/sar/2.png", "test/opt/2.png")
    path = new_dataset(str(home), None if beside else tmp_path)
    assert path == (home if beside else tmp_path) / "mine.yaml"
    spec = dataset(str(path))
    assert (spec.family, spec.a, find_split(spec, "train").ids, find_split(spec, "test").ids) == (
        "sar-opt",
        "SAR",
        ("1",),
        ("2",),
    )
    with pytest.raises(RequestError, match="exists already"):
        new_dataset(str(home), None if beside else tmp_path)


def test_a_file_is_begun_by_a_name_or_an_odd_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert dataset(f"./{new_dataset('Mine', family='medical')}").splits.keys() == {"train", "test"}
    fill(tmp_path / "odd", "left/1.png", "right/1.png")
    assert dataset(f"./{new_dataset('odd')}").family == "ir-vis"


def test_no_file_is_begun_for_a_folder_that_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for at in (None, tmp_path):
        with pytest.raises(DataNotFoundError, match="'NOPE' does not exist: give the folder of your images"):
            new_dataset("./NOPE", at)
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_begun_under_the_name_of_a_known_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "set", "MSRS/ir/1.png", "MSRS/vi/1.png")
    for reference in ("demo", "./set/MSRS"):
        with pytest.raises(RequestError, match="like a known data set: choose another name"):
            new_dataset(reference)
    assert list(tmp_path.rglob("*.yaml")) == []


def test_messages_on_a_file_of_ones_own_point_at_the_file(tmp_path: Path) -> None:
    file = str(new_dataset("Mine", tmp_path))
    with pytest.raises(
        DataNotFoundError, match=r"has no folder '.*test/ir': correct its file, whose globs are below"
    ):
        find_split(dataset(file), "test")
    fill(tmp_path, "test/ir/1.png", "test/ir/2.png", "test/vi/other.png")
    with pytest.raises(
        DataNotFoundError, match=r"where the first are '1.png' and 'other.png'; rename the files\.$"
    ):
        find_split(dataset(file), "test")


def test_a_folder_named_without_a_path_is_pointed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fill(tmp_path, "X/ir/1.png", "X/vi/1.png"))
    with pytest.raises(UnknownNameError, match=r"Unknown data set 'X': did you mean '\./X'\?"):
        dataset("X")
    assert dataset("./X").name == "x"
