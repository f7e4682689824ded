"""Crops: registered, inside the image, and the same in every run, process and worker."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import DataNotFoundError, ImageError, RequestError
from fusionbench.training import training_set
from fusionbench.training import training_set as transforms
from fusionbench.training.training_set import (
    EpochSampler,
    TrainingPairs,
    ValidationPairs,
    collate,
)
from fusionbench.types import PairBatch

MSRS = dataset("msrs")


@pytest.fixture
def ramps(tmp_path: Path) -> Callable[..., Split]:
    """Return a function that writes pairs whose a counts pixels and whose b is 255 - a."""

    def build(sizes: tuple[tuple[int, int], ...] = ((12, 16), (15, 13), (13, 12)), labels: int = 0) -> Split:
        for number, (height, width) in enumerate(sizes):
            a = (np.arange(height * width, dtype=np.int64).reshape(height, width) % 251).astype(np.uint8)
            files = {"ir": a, "vi": np.stack([255 - a] * 3, axis=-1), "Segmentation_labels": a % 9}
            for folder in ("ir", "vi", *(["Segmentation_labels"] if number < labels else [])):
                path = tmp_path / "MSRS" / "train" / folder / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(files[folder]).save(path)
        return find_split(MSRS, "train", tmp_path)

    return build


def same(first: PairBatch, second: PairBatch) -> bool:
    return all(x is y is None or torch.equal(x, y) for x, y in zip(first, second, strict=True))


def test_items_have_the_promised_form(ramps) -> None:
    item = TrainingPairs(ramps(), crop=8)[0]
    assert (item.a.shape, item.b.shape) == ((1, 8, 8), (1, 8, 8))
    assert (item.a.dtype, item.b.dtype) == (torch.float32, torch.float32)
    assert item.label is None
    assert item.salient is None
    assert TrainingPairs(ramps(), crop=8, color="rgb")[0].b.shape == (3, 8, 8)


def test_the_images_of_a_pair_stay_registered(ramps) -> None:
    pairs = TrainingPairs(ramps(labels=3), crop=8)
    for epoch in range(8):
        pairs.set_epoch(epoch)
        for item in (pairs[i] for i in range(len(pairs))):
            levels = torch.round(item.a * 255)
            assert torch.equal(torch.round(item.b * 255), 255 - levels)
            assert torch.equal(item.label, (levels[0] % 9).long())
            assert torch.equal(item.salient, torch.isin(item.label, torch.tensor([1, 2, 3]))[None].float())


def test_crops_depend_on_seed_epoch_and_index_only(ramps) -> None:
    split = ramps()
    first, second = TrainingPairs(split, crop=8, seed=3), TrainingPairs(split, crop=8, seed=3, cache_bytes=0)
    _ = [first[i] for i in (2, 0, 1)]  # the order of asking must not matter
    assert all(same(first[i], second[i]) for i in range(3))
    first.set_epoch(7)
    assert not all(same(first[i], second[i]) for i in range(3))
    second.set_epoch(7)
    assert all(same(first[i], second[i]) for i in range(3))
    other = TrainingPairs(split, crop=8, seed=4)
    other.set_epoch(7)
    assert not all(same(first[i], other[i]) for i in range(3))


def test_workers_see_the_same_crops_and_the_change_of_epoch(ramps) -> None:
    pairs = TrainingPairs(ramps(), crop=8)
    loader = DataLoader(
        pairs,
        batch_size=2,
        collate_fn=collate,
        num_workers=1,
        persistent_workers=True,
        multiprocessing_context="spawn",  # nothing is inherited: the epoch must come through shared memory
    )
    for epoch in (0, 5):
        pairs.set_epoch(epoch)
        batches = list(loader)
        assert [batch.a.shape[0] for batch in batches] == [2, 1]
        assert torch.equal(
            torch.cat([batch.a for batch in batches]), torch.stack([pairs[i].a for i in range(3)])
        )


def test_length_draws_several_crops_a_pair(ramps) -> None:
    pairs = TrainingPairs(ramps(), crop=4, length=7)
    assert len(pairs) == 7
    assert not same(pairs[0], pairs[3])  # both from pair 0
    with pytest.raises(IndexError):
        pairs[7]


def test_without_augmentation_crops_are_only_cut(ramps) -> None:
    pairs = TrainingPairs(ramps(sizes=((12, 16),)), crop=8, augment=False)
    for epoch in range(5):
        pairs.set_epoch(epoch)
        levels = torch.round(pairs[0].a[0] * 255)
        assert (levels[:, 1:] - levels[:, :-1] == 1).all()


def test_augmentation_shows_all_eight_positions(ramps) -> None:
    pairs = TrainingPairs(ramps(sizes=((4, 4),)), crop=4)
    seen = set()
    for epoch in range(100):
        pairs.set_epoch(epoch)
        seen.add(pairs[0].a.numpy().tobytes())
    assert len(seen) == 8


def test_small_pairs_are_mirrored_up_to_the_crop(ramps) -> None:
    pairs = TrainingPairs(ramps(sizes=((3, 5), (1, 1), (20, 2))), crop=16)
    assert all(pairs[i].a.shape == (1, 16, 16) for i in range(3))
    assert {float(value) for value in torch.round(pairs[0].a * 255).unique()} == set(map(float, range(15)))


def test_validation_takes_the_middle(ramps) -> None:
    pairs = ValidationPairs(ramps(sizes=((12, 16), (12, 16))), crop=8)
    expected = np.arange(12 * 16).reshape(12, 16)[2:10, 4:12]
    for index in (0, 1, -1):
        np.testing.assert_array_equal(torch.round(pairs[index].a[0] * 255), expected)
    assert len(list(pairs)) == 2  # an index past the end ends the iteration


def test_grey_sources_can_feed_a_color_method(ramps) -> None:
    split = ramps(sizes=((8, 8),))
    Image.open(split.pairs[0].b).convert("L").save(split.pairs[0].b)
    b = ValidationPairs(split, crop=8, color="rgb")[0].b
    assert torch.equal(b, b[:1].repeat(3, 1, 1))


def test_the_cache_stays_within_its_budget(ramps, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = training_set._read
    monkeypatch.setattr(
        training_set, "_read", lambda pair, labelled: read.append(pair.id) or original(pair, labelled)
    )
    split = ramps(sizes=((8, 8), (8, 8)))
    pairs = TrainingPairs(split, crop=8, cache_bytes=8 * 8 * 4)  # room for one: one channel and three
    _ = [pairs[i] for i in (0, 1, 0, 1)]
    assert read == ["0", "1", "1"]


def test_labels_of_some_pairs_only_are_refused(ramps) -> None:
    with pytest.raises(
        DataNotFoundError, match=r"1 of 3 pairs of MSRS \(train\) have no label map, the first is '2'"
    ):
        TrainingPairs(ramps(labels=2), crop=8)


def test_a_label_map_of_another_size_is_refused(ramps) -> None:
    split = ramps(labels=3)
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(split.pairs[0].label)
    with pytest.raises(ImageError, match=r"Segmentation_labels/0.png' is 3x3"):
        TrainingPairs(split, crop=8)[0]


def test_a_crop_of_no_pixels_is_refused(ramps) -> None:
    with pytest.raises(RequestError, match="crop must be at least 1 pixel; got 0"):
        TrainingPairs(ramps(), crop=0)


def test_collate_keeps_none_and_stacks_the_rest(ramps) -> None:
    plain = collate([TrainingPairs(ramps(), crop=8)[i] for i in range(3)])
    assert (plain.a.shape, plain.label, plain.salient) == ((3, 1, 8, 8), None, None)
    labelled = collate([TrainingPairs(ramps(labels=3), crop=8)[i] for i in range(3)])
    assert (labelled.label.shape, labelled.label.dtype) == ((3, 8, 8), torch.int64)
    assert (labelled.salient.shape, labelled.salient.dtype) == ((3, 1, 8, 8), torch.float32)


def test_the_sampler_orders_by_seed_and_epoch_and_passes_the_epoch_on(ramps) -> None:
    pairs = TrainingPairs(ramps(), crop=4, length=50)
    sampler = EpochSampler(pairs, seed=1)
    first = list(sampler)
    assert sorted(first) == list(range(50))
    assert list(sampler) == first == list(EpochSampler(pairs, seed=1))
    assert list(EpochSampler(pairs, seed=2)) != first
    before = pairs[0]
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert not same(pairs[0], before)
    assert len(sampler) == 50


def test_a_pickled_set_gives_the_same_crops(ramps) -> None:
    pairs = TrainingPairs(ramps(), crop=8, seed=5)
    pairs.set_epoch(3)
    assert same(pickle.loads(pickle.dumps(pairs))[1], pairs[1])


def test_real_pairs_train(shared_data: Path) -> None:
    split = find_split(MSRS, "train", shared_data, limit=3)
    batch = collate([TrainingPairs(split, crop=64)[i] for i in range(3)])
    assert batch.a.shape == batch.b.shape == (3, 1, 64, 64)
    assert 0 <= batch.a.min() < batch.a.max() <= 1


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32))
def test_crops_lie_inside(height: int, width: int, size: int, seed: int) -> None:
    image = transforms.pad_to(np.zeros((height, width), np.uint8), size)
    assert image.shape == (max(height, size), max(width, size))
    for corner in (
        transforms.random_corner(image.shape, size, np.random.default_rng(seed)),
        transforms.center_corner(image.shape, size),
    ):
        assert min(corner) >= 0
        assert transforms.crop_at(image, corner, size).shape == (size, size)


def test_every_corner_can_be_drawn() -> None:
    drawn = {transforms.random_corner((5, 4), 3, np.random.default_rng(seed)) for seed in range(200)}
    assert drawn == {(top, left) for top in range(3) for left in range(2)}


def test_the_eight_positions_differ_and_the_first_changes_nothing() -> None:
    image = np.arange(9).reshape(3, 3)
    positions = [transforms.dihedral(image, number) for number in range(8)]
    np.testing.assert_array_equal(positions[0], image)
    assert len({position.tobytes() for position in positions}) == 8
