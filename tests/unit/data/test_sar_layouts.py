"""The SAR-optical data sets as their publishers lay them out, and splits drawn by the hash of an id."""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.checking.verify import verify
from fusionbench.data.pairs import find_split, position
from fusionbench.data.registry import dataset
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import ImageError

# the publisher's sheet numbers, by map sheet
WHU_SCENES = {
    "NH49E": """004021 005014 005023 005024 006011 006022 006024 007013 007023 007024 008014 008017 008024 009014
        009023 009024 010014 010015 012017 012018 012022 013018 013023 014007 014017 014021 014024 001013 002014
        004013 006014 006017 007017 009012 010016 010022 011011 011017 012009 013007 013021 014022 001014 001017
        002012 002016 003014 003024 004011 005011 005019 006019 007014 008013 009017 010020 011024 012020 013010""",
    "NH50E": """003001 006001 006007 007001 007003 007004 008003 009001 009003 009004 009006 010001 010003 010004
        011002 011004 012001 012004 012005 012008 013001 013002 013005 016002 007002 011005 014003""",
    "NI49E": """021010 022010 022011 022013 022015 023017 024017 024018 024019 024020 021011 021012 022014
        024013""",
}


def whu_patches() -> list[str]:
    scenes = [sheet + number for sheet, numbers in WHU_SCENES.items() for number in numbers.split()]
    return [
        f"{scene}_y{y:04d}_x{x:04d}"
        for scene in scenes
        for y in range(0, 3584, 256)
        for x in range(0, 5376, 256)
    ]


def sen12_files(number: int) -> tuple[str, str, str]:
    """Return the id of a pair and the two files under which SEN1-2 publishes it."""
    season, scene = ("ROIs1158_spring", "ROIs2017_winter")[number % 2], number % 3
    a, b = (f"{season}/{s}_{scene}/{season}_{s}_{scene}_p{number}.png" for s in ("s1", "s2"))
    return f"{season}_{scene}_p{number}", a, b


def qxs_files(number: int) -> tuple[str, str, str]:
    return str(number), f"sar_256_oc_0.2/{number}.png", f"opt_256_oc_0.2/{number}.png"


def ogsod_files(number: int) -> tuple[str, str, str]:
    folder = ("train", "test")[number % 4 == 0]
    return str(number), f"sar/images/{folder}/{number}.png", f"rgb/images/{folder}/{number}.png"


def yyx_files(number: int) -> tuple[str, str, str]:
    return str(number), f"sar/{number}.png", f"opt/{number}.png"


LAYOUTS: dict[str, Callable[[int], tuple[str, str, str]]] = {
    "sen12": sen12_files,
    "qxs-saropt": qxs_files,
    "ogsod": ogsod_files,
    "yyx-opt-sar": yyx_files,
}
DRAWN = ["sen12", "qxs-saropt", "ogsod"]


def publish(root: Path, name: str, numbers: range = range(1, 81)) -> dict[str, tuple[Path, Path]]:
    """Write pairs in the publisher's layout; return their files by id."""
    rng, base, layout = np.random.default_rng(0), root / dataset(name).folder, LAYOUTS[name]
    files = {pair_id: (base / a, base / b) for pair_id, a, b in map(layout, numbers)}
    for a, b in files.values():
        for path, shape in ((a, (6, 5)), (b, (6, 5, 3))):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
    return files


def full_parts(name: str) -> DatasetSpec:
    """Return the data set with parts that share out all ids, since few of 80 lie in SEN1-2's narrow ones."""
    spec = dataset(name)
    splits = {"train": (0.0, 0.8), "test": (0.8, 1.0)}
    return replace(spec, splits={key: replace(spec.splits[key], part=part) for key, part in splits.items()})


@pytest.mark.parametrize("name", DRAWN)
def test_splits_are_parts_of_the_published_folders(tmp_path: Path, name: str) -> None:
    files, spec = publish(tmp_path, name), full_parts(name)
    train, test = (find_split(spec, split, tmp_path) for split in ("train", "test"))
    assert {pair.id: (pair.a, pair.b) for pair in train.pairs + test.pairs} == files
    assert 50 < len(train.pairs) < 75
    assert not set(train.ids) & set(test.ids)
    assert train.unmatched == test.unmatched == ()


@pytest.mark.parametrize("name", DRAWN)
def test_the_catalog_s_own_parts_do_not_overlap(name: str) -> None:
    train, test = (dataset(name).splits[split].part for split in ("train", "test"))
    assert train[1] <= test[0]


def test_sen12_is_found_with_the_parts_of_the_catalog(tmp_path: Path) -> None:
    files = publish(tmp_path, "sen12", range(1, 201))
    places = {pair_id: position("sen12", pair_id) for pair_id in files}
    train = find_split(dataset("sen12"), "train", tmp_path)
    test = find_split(dataset("sen12"), "test", tmp_path)
    assert set(train.ids) == {pair_id for pair_id, place in places.items() if place < 0.06}
    assert set(test.ids) == {pair_id for pair_id, place in places.items() if 0.06 <= place < 0.0755}
    assert len(train.pairs) > len(test.pairs) > 0


def test_yyx_is_one_test_split(tmp_path: Path) -> None:
    files, spec = publish(tmp_path, "yyx-opt-sar", range(1, 4)), dataset("yyx-opt-sar")
    split = find_split(spec, "test", tmp_path)
    assert {pair.id: (pair.a, pair.b) for pair in split.pairs} == files
    label = tmp_path / "YYX-OPT-SAR" / "label" / "2.png"
    label.parent.mkdir()
    label.write_bytes(files["2"][0].read_bytes())
    assert [pair.label for pair in find_split(spec, "test", tmp_path).pairs] == [None, label, None]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_clean_copy_has_no_errors(tmp_path: Path, name: str) -> None:
    publish(tmp_path, name, range(1, 121))
    assert [problem for problem in verify(dataset(name), tmp_path) if problem.level == "error"] == []


@pytest.mark.parametrize("name", DRAWN)
def test_no_pair_changes_sides_in_a_partial_copy(tmp_path: Path, name: str) -> None:
    whole, spec = publish(tmp_path / "whole", name), full_parts(name)
    publish(tmp_path / "part", name, range(21, 61))
    sides = {
        copy: {split: set(find_split(spec, split, tmp_path / copy).ids) for split in spec.splits}
        for copy in ("whole", "part")
    }
    assert sides["part"]["train"] | sides["part"]["test"] < set(whole)
    for split in spec.splits:
        assert sides["part"][split] < sides["whole"][split]


def test_a_part_is_cut_to_its_count_by_position(tmp_path: Path) -> None:
    files, spec = publish(tmp_path, "qxs-saropt"), full_parts("qxs-saropt")
    spec = replace(spec, splits={"test": replace(spec.splits["train"], count=7)})
    split = find_split(spec, "test", tmp_path)
    assert set(split.ids) == set(sorted(files, key=lambda name: position("qxs-saropt", name))[:7])
    assert list(split.ids) == sorted(split.ids, key=int)


def test_a_file_without_partner_is_reported_in_its_own_split_only(tmp_path: Path) -> None:
    files, spec = publish(tmp_path, "qxs-saropt"), full_parts("qxs-saropt")
    lone = next(name for name in files if position("qxs-saropt", name) >= 0.8)
    files[lone][1].unlink()
    assert find_split(spec, "train", tmp_path).unmatched == ()
    assert find_split(spec, "test", tmp_path).unmatched == (f"sar_256_oc_0.2/{lone}.png",)


def test_one_name_in_both_folders_of_ogsod(tmp_path: Path) -> None:
    files = publish(tmp_path, "ogsod", range(1, 5))
    twin = files["1"][0].parents[1] / "test" / "1.png"
    twin.write_bytes(files["1"][0].read_bytes())
    message = (
        r"'sar/images/test/1.png' and 'sar/images/train/1.png' in '.*OGSOD' have the same stem: rename one"
    )
    with pytest.raises(ImageError, match=message):
        find_split(dataset("ogsod"), "test", tmp_path)


@pytest.mark.parametrize(
    ("name", "ids"), [("whu-opt-sar", whu_patches()), ("qxs-saropt", [str(n) for n in range(1, 20001)])]
)
def test_cuts_give_the_paper_s_sizes_on_the_whole_set(name: str, ids: list[str]) -> None:
    spec, places = dataset(name), [position(name, pair_id) for pair_id in ids]
    for split in spec.splits.values():
        low, high = split.part
        assert sum(low <= place < high for place in places) == split.count
    assert len(set(ids)) == len(ids) == sum(split.count for split in spec.splits.values())


@pytest.mark.parametrize(
    ("name", "split", "pairs"),
    [("sen12", "train", 282384), ("sen12", "test", 282384), ("ogsod", "train", 20359)],
)
def test_parts_of_unknown_ids_are_wide_enough_to_fill(name: str, split: str, pairs: int) -> None:
    where = dataset(name).splits[split]
    share = where.part[1] - where.part[0]
    assert pairs * share - 4 * sqrt(pairs * share * (1 - share)) > where.count


def test_positions_are_the_documented_hash() -> None:
    # printf 'qxs-saropt/1' | sha256sum | cut -c-12
    assert position("qxs-saropt", "1") == int("c8033cc87a92", 16) / 2**48
