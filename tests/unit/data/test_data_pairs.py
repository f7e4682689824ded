"""Finding pairs: every data set of the catalog in its public layout, and what a damaged copy leads to."""

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fusionbench.data
from fusionbench.data.pairs import data_root, find_split, natural_key
from fusionbench.data.registry import dataset, datasets
from fusionbench.errors import DataNotFoundError, ImageError, RequestError, UnknownNameError

CASES = [(name, split) for name, spec in datasets().items() for split in spec.splits]
# parts of one folder: which of a few names belong to a split is for test_sar_layouts.py to say
WHOLE_FOLDERS = [(name, split) for name, split in CASES if datasets()[name].splits[split].part is None]


@pytest.mark.parametrize(("name", "split"), WHOLE_FOLDERS)
def test_every_layout_is_found(build_tree, name: str, split: str) -> None:
    spec = dataset(name)
    split_here = find_split(spec, split, build_tree(spec))
    assert split_here.ids == ("1", "2", "10")
    assert split_here.expected == spec.splits[split].count
    assert split_here.unmatched == ()
    assert all(pair.a.stem == pair.b.stem == pair.id for pair in split_here.pairs)


@pytest.mark.parametrize(("name", "split"), [case for case in CASES if not datasets()[case[0]].generated])
def test_real_copies_are_found(real_root, name: str, split: str) -> None:
    split_here = find_split(dataset(name), split, real_root(name, split))
    assert 0 < len(split_here.pairs) <= (split_here.expected or len(split_here.pairs))
    assert split_here.unmatched == ()


def test_real_msrs_is_a_partial_copy(shared_data: Path) -> None:
    split = find_split(dataset("msrs"), "test", shared_data)
    here = sorted(path.stem for path in (shared_data / "MSRS" / "test" / "ir").glob("*.png"))
    assert (list(split.ids), split.expected) == (here, 361)
    assert 0 < len(here) < 361


def test_a_jpeg_pairs_with_a_png(build_tree) -> None:
    spec = dataset("tno")
    root = build_tree(spec)
    png = root / "TNO" / "vi" / "2.png"
    png.rename(png.with_suffix(".JPG"))
    assert find_split(spec, "test", root).ids == ("1", "2", "10")


def test_other_files_are_passed_over(build_tree) -> None:
    spec = dataset("tno")
    root = build_tree(spec)
    (root / "TNO" / "ir" / "Thumbs.db").write_text("x")
    (root / "TNO" / "ir" / "._1.png").write_text("x")
    (root / "TNO" / "ir" / "folder.png").mkdir()
    split = find_split(spec, "test", root)
    assert (split.ids, split.unmatched) == (("1", "2", "10"), ())


def test_files_without_a_partner_are_reported(build_tree) -> None:
    spec = dataset("tno")
    root = build_tree(spec)
    (root / "TNO" / "vi" / "2.png").unlink()
    (root / "TNO" / "ir" / "10.png").unlink()
    split = find_split(spec, "test", root)
    assert split.ids == ("1",)
    assert split.unmatched == ("ir/2.png", "vi/10.png")


def test_nothing_that_pairs_up(build_tree) -> None:
    spec = dataset("tno")
    root = build_tree(spec, names=("1",))
    (root / "TNO" / "vi" / "1.png").rename(root / "TNO" / "vi" / "7.png")
    with pytest.raises(
        DataNotFoundError, match=r"No pair of TNO \(test\).*TNO/ir/.*TNO/vi/.*fusionbench info tno"
    ):
        find_split(spec, "test", root)


def test_label_maps_are_optional(build_tree) -> None:
    spec = dataset("msrs")
    root = build_tree(spec)
    assert {pair.label for pair in find_split(spec, "test", root).pairs} == {None}
    label = root / "MSRS" / "test" / "Segmentation_labels" / "2.png"
    label.parent.mkdir()
    label.write_bytes((root / "MSRS" / "test" / "ir" / "2.png").read_bytes())
    assert [pair.label for pair in find_split(spec, "test", root).pairs] == [None, label, None]


def test_missing_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError) as caught:
        find_split(dataset("harvard-mri-ct"), "test", tmp_path)
    for part in (
        str(tmp_path / "Harvard" / "CT-MRI"),
        "--data-root",
        "FUSIONBENCH_DATA",
        "info harvard-mri-ct",
    ):
        assert part in str(caught.value)


def test_missing_split_folder_is_named(build_tree) -> None:
    spec = dataset("llvip")
    root = build_tree(spec)
    gone = root / "LLVIP" / "visible" / "train"
    gone.rename(root / "elsewhere")
    with pytest.raises(DataNotFoundError, match=str(gone)):
        find_split(spec, "train", root)


def test_the_data_set_itself_given_as_root(build_tree) -> None:
    spec = dataset("tno")
    with pytest.raises(DataNotFoundError, match="itself has its layout: give the folder that holds 'TNO'"):
        find_split(spec, "test", build_tree(spec) / "TNO")


def test_generated_data_are_made_only_where_the_folder_is_absent(
    build_tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(dataset("tno"), name="made", generated=True)
    made = build_tree(spec) / "TNO"
    asked: list[tuple[str, str]] = []
    generator = SimpleNamespace(ensure=lambda name, split: asked.append((name, split)) or made)
    monkeypatch.setattr(fusionbench.data, "demo", generator, raising=False)
    assert find_split(spec, "test", tmp_path).root == made
    assert asked == []
    split_here = find_split(spec, "test", tmp_path / "elsewhere")
    assert (split_here.root, split_here.ids) == (made, ("1", "2", "10"))
    assert asked == [("made", "test")]


def test_unknown_split(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown split of tno 'train': known are: test\."):
        find_split(dataset("tno"), "train", tmp_path)


def test_two_files_of_one_stem(build_tree) -> None:
    spec = dataset("tno")
    root = build_tree(spec)
    (root / "TNO" / "ir" / "2.bmp").write_bytes(b"x")
    with pytest.raises(ImageError, match=r"'2.bmp' and '2.png' in '.*ir' have the same stem"):
        find_split(spec, "test", root)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow such names in the first place")
@pytest.mark.parametrize("stem", ["a:b", "a\nb", "a*b", "-rf", "a\\b", "a "])
def test_names_that_cannot_name_a_result(build_tree, stem: str) -> None:
    spec = dataset("tno")
    root = build_tree(spec)
    (root / "TNO" / "ir" / f"{stem}.png").write_bytes(b"x")
    with pytest.raises(ImageError, match="cannot name a result file: rename it"):
        find_split(spec, "test", root)


def test_limit_takes_the_first_and_keeps_the_expected_count(build_tree) -> None:
    spec = dataset("msrs")
    split = find_split(spec, "test", build_tree(spec), limit=2)
    assert (split.ids, split.limit, split.expected) == (("1", "2"), 2, 361)
    with pytest.raises(RequestError, match="at least 1"):
        find_split(spec, "test", build_tree(spec), limit=0)


def test_data_root_comes_from_the_environment(build_tree, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = dataset("vifb")
    monkeypatch.setenv("FUSIONBENCH_DATA", str(build_tree(spec)))
    assert find_split(spec, "test").ids == ("1", "2", "10")
    assert data_root("given") == Path("given")
    monkeypatch.delenv("FUSIONBENCH_DATA")
    assert data_root() == Path("data")


def test_hashes_see_what_they_should(build_tree) -> None:
    spec = dataset("tno")
    root = build_tree(spec)
    ids_hash, content = hashes(spec, root)
    assert hashes(spec, root) == (ids_hash, content)
    image = root / "TNO" / "vi" / "2.png"
    image.write_bytes((root / "TNO" / "vi" / "1.png").read_bytes())
    assert hashes(spec, root)[0] == ids_hash
    assert hashes(spec, root)[1] != content
    image.unlink()
    assert hashes(spec, root)[0] != ids_hash


def test_label_maps_count_in_the_manifest_only_when_asked_for(build_tree) -> None:
    spec = dataset("msrs")
    root = build_tree(spec, names=("1",))
    plain = find_split(spec, "test", root)
    content = plain.content_hash()
    assert plain.content_hash(labels=True) == content
    (root / "MSRS" / "test" / "Segmentation_labels").mkdir()
    (root / "MSRS" / "test" / "Segmentation_labels" / "1.png").write_bytes(b"label")
    labelled = find_split(spec, "test", root)
    assert labelled.content_hash() == content
    assert labelled.content_hash(labels=True) != content


def test_a_file_that_cannot_be_read_is_a_content_of_its_own_or_named(build_tree) -> None:
    spec = dataset("tno")
    split = find_split(spec, "test", build_tree(spec))
    whole = split.content_hash()
    split.pairs[1].b.unlink()
    without = split.content_hash()
    assert without == split.content_hash() != whole
    split.pairs[1].b.write_bytes(b"")
    assert split.content_hash() not in (without, whole)
    split.pairs[1].b.unlink()
    assert [len(files.split()) for files in split.source_digests()] == [2, 1, 2]
    with pytest.raises(ImageError, match=r"vi/2.png' cannot be read \(No such file"):
        split.content_hash(unreadable=None)


def hashes(spec, root: Path) -> tuple[str, str]:
    split = find_split(spec, "test", root)
    return split.ids_hash, split.content_hash()


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_natural_order_is_the_order_of_numbers(numbers: list[int]) -> None:
    names = [f"img{number}x" for number in numbers]
    assert sorted(names, key=natural_key) == [f"img{number}x" for number in sorted(numbers)]


@given(st.lists(st.text(alphabet="a0Zé٣_1", max_size=6)))
def test_natural_order_takes_any_names(names: list[str]) -> None:
    assert sorted(sorted(names, key=natural_key, reverse=True), key=natural_key) == sorted(
        names, key=natural_key
    )


def test_the_drawn_splits_of_spect_are_parts_of_its_collection(shared_data: Path) -> None:
    spec = dataset("harvard-mri-spect")
    drawn = [
        set(find_split(spec, f"drawn-{part}", shared_data).ids) for part in ("train", "validation", "test")
    ]
    published = [set(find_split(spec, part, shared_data).ids) for part in ("train", "test")]
    assert set.union(*drawn) == set.union(*published)
    assert sum(map(len, drawn)) == sum(map(len, published))
    assert spec.splits["drawn-test"].learned_on == "drawn-train"
