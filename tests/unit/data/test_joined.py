"""Training on several data sets: which pairs, how they are divided, and what a record says of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.config import StageRecipe
from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.data.training_data import TrainingData, find_training_data
from fusionbench.errors import ConfigError, DataNotFoundError, RequestError, UnknownNameError
from fusionbench.training.loaders import build_loaders
from fusionbench.training.training_set import TrainingPairs

OWN = "title: Street\nfamily: ir-vis\nsplits:\n  train: {a: ir/*, b: vi/*}\n"
SCENES = (
    "title: Scenes\nfamily: ir-vis\nids: path\nfolder: Scenes\nsplits:\n  train: {a: 'ir/*/*', b: 'vi/*/*'}\n"
)


def write_pairs(folder: Path, names: tuple[str, ...], first: int = 0) -> None:
    """Write flat images of 8 x 8 pixels: grey ``first`` plus the number of the pair, 10 more in the visible one."""
    for number, name in enumerate(names):
        for kind in ("ir", "vi", "Segmentation_labels"):
            path = folder / kind / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = first + number + 10 * (kind == "vi")
            Image.fromarray(np.full((8, 8), grey, np.uint8)).save(path)


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Return the YAML file of a data set of five pairs, which lie beside it."""
    write_pairs(tmp_path / "mine", tuple("12345"))
    path = tmp_path / "mine" / "street.yaml"
    path.write_text(OWN)
    return path


@pytest.fixture
def both(street: Path, tmp_path: Path) -> TrainingData:
    """Return three MSRS pairs, with label maps, and five of the user's own."""
    write_pairs(tmp_path / "MSRS" / "train", ("1", "2", "3"), first=5)
    return find_training_data(f"msrs,{street}", "train", tmp_path)


def test_a_file_of_the_user_needs_title_family_and_globs_only(street: Path, tmp_path: Path) -> None:
    spec = dataset(str(street))
    assert (spec.name, spec.a, spec.b, spec.licence) == ("street", "infrared", "visible", "not stated")
    assert find_split(spec, "train", tmp_path / "elsewhere").ids == tuple("12345")


def test_pairs_may_be_left_out_by_id(street: Path, tmp_path: Path) -> None:
    street.write_text(OWN.replace("b: vi/*", 'b: vi/*, without: ["2", "5"]'))
    split = find_split(dataset(str(street)), "train", tmp_path)
    assert (split.ids, split.unmatched) == (("1", "3", "4"), ())


def test_a_relative_folder_lies_below_the_data_root_and_stems_may_repeat_across_folders(
    tmp_path: Path,
) -> None:
    write_pairs(tmp_path / "root" / "Scenes", ("day/0", "day/9", "night/0"))
    path = tmp_path / "scenes.yaml"
    path.write_text(SCENES)
    split = find_split(dataset(str(path)), "train", tmp_path / "root")
    assert split.ids == ("day_0", "day_9", "night_0")
    assert split.pairs[2].b == tmp_path / "root" / "Scenes" / "vi" / "night" / "0.png"


def test_an_absolute_folder_is_taken_as_it_is(street: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(f"folder: {street.parent}\n{OWN}")
    assert find_split(dataset(str(path)), "train", tmp_path / "elsewhere").ids == tuple("12345")


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("gone.yaml", None, DataNotFoundError, "gone.yaml' does not exist"),
        ("msrs.yaml", OWN, ConfigError, "would be called 'msrs' like a data set of the catalog: rename"),
        ("a.yaml", "title: A\nfamily: ir-vis\n", ConfigError, "a.yaml lacks 'splits'"),
        ("a.yaml", OWN + "generated: true\n", ConfigError, "fusionbench's own scenes"),
        ("a.yaml", OWN + "folder: 3\n", ConfigError, "'folder' in a.yaml must be text; found 3"),
        ("a.yaml", OWN + "folder: ../x\n", ConfigError, "relative path without"),
        ("a.yaml", OWN + "ids: name\n", ConfigError, "'ids' in a.yaml must be 'stem' or 'path'"),
        ("a.yaml", "- 1\n", ConfigError, "a.yaml must be a mapping"),
        ("a.yaml", OWN.replace("ir-vis", "thermal"), ConfigError, "'family' in a.yaml must be one of"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, name: str, text: str | None, error: type[Exception], message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        dataset(str(tmp_path / name))


def test_joined_data_sets_keep_their_names_and_count_every_pair(both: TrainingData) -> None:
    assert (both.name, both.family, len(both)) == ("msrs+street", "ir-vis", 8)
    assert both.in_words() == "8 pairs (3 of 1083 MSRS train, 5 Street train)"
    assert [(p["name"], p["pairs"], p["expected"]) for p in both.manifest()] == [
        ("msrs", 3, 1083),
        ("street", 5, None),
    ]
    assert both.manifest()[1]["ids"] == list("12345")


def test_one_data_set_reads_as_before(both: TrainingData) -> None:
    alone = TrainingData.of(both.parts[0])
    assert (alone.name, alone.in_words()) == ("msrs", "3 of 1083 MSRS train pairs")
    assert alone.content_hash() == both.parts[0].content_hash(labels=True) != both.content_hash()


def test_many_names_make_a_short_folder(both: TrainingData) -> None:
    spec = both.parts[0].spec
    parts = tuple(replace(both.parts[0], spec=replace(spec, name=f"data-set-number-{n}")) for n in range(9))
    assert TrainingData(parts).name == "data-set-number-0+8-more"


def test_crops_come_from_all_data_sets(both: TrainingData) -> None:
    pairs = TrainingPairs(both, crop=8, augment=False)
    assert [round(float(pairs[i].a[0, 0, 0]) * 255) for i in range(3, 8)] == [0, 1, 2, 3, 4]


def test_labels_that_only_one_data_set_has_are_not_used_and_the_record_says_so(both: TrainingData) -> None:
    assert all(pair.label for pair in both.parts[0].pairs)
    assert not both.labelled
    assert both.unused_labels == ("The label maps of MSRS are not used, because not all data sets have them.")
    assert TrainingPairs(both, crop=8)[0].label is None
    alone = TrainingData.of(both.parts[0])
    assert (alone.labelled, alone.unused_labels) == (True, None)


def test_what_cannot_be_joined_is_refused(street: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="'street' is ir-vis and 'demo-medical' is medical"):
        find_training_data(f"{street},demo-medical", "train", tmp_path)
    with pytest.raises(RequestError, match="'street' is named twice"):
        find_training_data(f"{street},{street}", "train", tmp_path)
    with pytest.raises(RequestError, match="names no data set"):
        find_training_data(" ,", "train", tmp_path)
    with pytest.raises(UnknownNameError):
        find_training_data("mrsr", "train", tmp_path)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.0, 0), (0.01, 1), (0.25, 2), (0.999, 7)])
def test_validation_is_what_the_recipe_asks_for(both: TrainingData, fraction: float, held_out: int) -> None:
    training, validation = both.divided(fraction, seed=0)
    assert (len(training), len(validation)) == (8 - held_out, held_out)
    names = [f"{part.spec.name}/{pair.id}" for data in (training, validation) for part, pair in data.members]
    assert sorted(names) == sorted(f"{part.spec.name}/{pair.id}" for part, pair in both.members)
    assert both.divided(fraction, seed=0) == (training, validation)


def test_validation_depends_on_the_seed_and_needs_two_pairs(both: TrainingData) -> None:
    chosen = [both.divided(0.25, seed)[1].members for seed in range(4)]
    assert any(members != chosen[0] for members in chosen)
    single = TrainingData.of(replace(both.parts[0], pairs=both.parts[0].pairs[:1]))
    with pytest.raises(RequestError, match=r"Cannot set aside 0\.1 of 1 pairs"):
        single.divided(0.1, seed=0)


@pytest.mark.parametrize("batch_size", [1, 3, 8, 9])
def test_an_epoch_has_every_pair_once(both: TrainingData, batch_size: int) -> None:
    recipe = StageRecipe(batch_size=batch_size, crop=8, augment=False)
    train, validation = build_loaders(both, recipe, "luma", seed=0, workers=0)
    seen = sorted(round(float(value) * 255) for batch in train for value in batch.a[:, 0, 0, 0])
    assert (seen, len(validation)) == (list(range(8)), 0)


def test_a_recipe_may_keep_pairs_back(both: TrainingData) -> None:
    recipe = StageRecipe(batch_size=3, crop=8, validation=0.25)
    train, validation = build_loaders(both, recipe, "luma", seed=0, workers=0)
    assert sum(len(batch.a) for batch in train) == 6
    assert sum(len(batch.a) for batch in validation) == 2


def test_a_split_is_training_data_of_one_part(both: TrainingData) -> None:
    part: Split = both.parts[1]
    assert TrainingData.of(part).parts == (part,)
    assert TrainingData.of(both) is both
