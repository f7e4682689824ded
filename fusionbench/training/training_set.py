"""Crops of pairs for training and validation, the same in every run, worker and process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from fusionbench.data.images import check_same_size, one_channel, read_label, read_pair, unit
from fusionbench.data.pairs import Split
from fusionbench.data.training_data import TrainingData
from fusionbench.errors import DataNotFoundError, RequestError
from fusionbench.training import training_set as transforms
from fusionbench.types import Pair, PairBatch

Arrays = tuple[np.ndarray, ...]  # a, b and, if there is one, the label map


class _Crops(Dataset[PairBatch]):
    """Pairs of one or several data sets, decoded once and kept in memory up to ``cache_bytes``."""

    def __init__(
        self, data: Split | TrainingData, crop: int, color: Literal["luma", "rgb"], cache_bytes: int
    ) -> None:
        if crop < 1:
            raise RequestError(f"The crop must be at least 1 pixel; got {crop}.")
        data = TrainingData.of(data)
        for part in data.parts:
            _check_all_or_no_labels(part)
        self.members, self.crop, self.color, self.labelled = data.members, crop, color, data.labelled
        self._cache: dict[int, Arrays] = {}
        self._cache_room = cache_bytes

    def __len__(self) -> int:
        return len(self.members)

    def _arrays(self, number: int) -> Arrays:
        """Return the images of a pair as stored, at least as large as the crop."""
        if number in self._cache:
            return self._cache[number]
        arrays = tuple(
            transforms.pad_to(array, self.crop) for array in _read(self.members[number][1], self.labelled)
        )
        size = sum(array.nbytes for array in arrays)
        if size <= self._cache_room:
            self._cache[number] = arrays
            self._cache_room -= size
        return arrays

    def _item(self, number: int, crops: Sequence[np.ndarray]) -> PairBatch:
        a, b = one_channel(unit(crops[0]))[None], _channels_first(unit(crops[1]), self.color)
        if not self.labelled:
            return PairBatch(_tensor(a), _tensor(b))
        label = crops[2].astype(np.int64)
        labels = self.members[number][0].spec.labels
        assert labels is not None  # `labelled` says so
        salient = np.isin(label, labels.salient_numbers).astype(np.float32)[None]
        return PairBatch(_tensor(a), _tensor(b), _tensor(label), _tensor(salient))


class TrainingPairs(_Crops):
    """Random square crops, mirrored and turned by multiples of 90 degrees, as PairBatch items without the batch axis.

    Item i of an epoch depends on ``seed``, the epoch and i only, so a resumed training sees the same items as an
    uninterrupted one. ``length`` is the number of crops per epoch (default: one per pair); crop i is from pair i modulo
    the number of pairs. ``color`` is the form of b: "luma" [1, H, W] or "rgb" [3, H, W]. Pairs smaller than the crop are
    mirrored at their border. ``cache_bytes`` limits the memory for decoded pairs in each process.
    """

    def __init__(
        self,
        data: Split | TrainingData,
        crop: int,
        augment: bool = True,
        seed: int = 0,
        color: Literal["luma", "rgb"] = "luma",
        length: int | None = None,
        cache_bytes: int = 1 << 30,
    ) -> None:
        super().__init__(data, crop, color, cache_bytes)
        self.augment, self.seed, self.length = augment, seed, length
        # in shared memory, so that persistent workers see a new epoch too
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        return self.length or super().__len__()

    def set_epoch(self, epoch: int) -> None:
        """Select the crops of an epoch; to be called before its first batch is requested."""
        self._epoch.fill_(epoch)

    def __getitem__(self, index: int) -> PairBatch:
        if not 0 <= index < len(self):
            raise IndexError(index)
        pair = index % len(self.members)
        arrays = self._arrays(pair)
        rng = np.random.default_rng([self.seed, int(self._epoch), index])
        corner = transforms.random_corner(arrays[0].shape, self.crop, rng)
        number = int(rng.integers(8)) if self.augment else 0
        return self._item(
            pair, [transforms.dihedral(transforms.crop_at(x, corner, self.crop), number) for x in arrays]
        )


class ValidationPairs(_Crops):
    """The central crop of each pair, the same in every epoch; arguments as for TrainingPairs."""

    def __init__(
        self,
        data: Split | TrainingData,
        crop: int,
        color: Literal["luma", "rgb"] = "luma",
        cache_bytes: int = 1 << 30,
    ) -> None:
        super().__init__(data, crop, color, cache_bytes)

    def __getitem__(self, index: int) -> PairBatch:
        pair = range(len(self))[index]
        arrays = self._arrays(pair)
        corner = transforms.center_corner(arrays[0].shape, self.crop)
        return self._item(pair, [transforms.crop_at(x, corner, self.crop) for x in arrays])


class EpochSampler(Sampler[int]):
    """A sampler that shuffles TrainingPairs in each epoch by seed and epoch only.

    Lightning calls a sampler's ``set_epoch``; it is passed on to the data set.
    """

    def __init__(self, pairs: TrainingPairs, seed: int = 0) -> None:
        self.pairs, self.seed, self.epoch = pairs, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Select the order and the data set's crops of an epoch."""
        self.epoch = epoch
        self.pairs.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng([self.seed, self.epoch]).permutation(len(self.pairs)).tolist())


def collate(items: Sequence[PairBatch]) -> PairBatch:
    """Return items stacked to a batch; label and salient stay None without label maps."""

    def stacked(parts: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
        tensors = [part for part in parts if part is not None]
        return torch.stack(tensors) if tensors else None

    a, b, *maps = zip(*items, strict=True)
    return PairBatch(torch.stack(a), torch.stack(b), *map(stacked, maps))


def _check_all_or_no_labels(split: Split) -> None:
    without = [pair.id for pair in split.pairs if pair.label is None]
    if without and len(without) < len(split.pairs):
        raise DataNotFoundError(
            f"{len(without)} of {len(split.pairs)} pairs of {split.spec.title} ({split.name}) have no "
            f"label map, the first is '{without[0]}': add the rest or move the label folder away."
        )


def _read(pair: Pair, labelled: bool) -> Arrays:
    a, b = read_pair(pair)
    if not labelled or pair.label is None:
        return a, b
    label = read_label(pair.label)
    check_same_size(a, pair.a, label, pair.label)
    return a, b, label


def _channels_first(b: np.ndarray, color: str) -> np.ndarray:
    if color == "luma":
        return one_channel(b)[None]
    return np.repeat(b[None], 3, axis=0) if b.ndim == 2 else b.transpose(2, 0, 1)


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def pad_to(image: np.ndarray, size: int) -> np.ndarray:
    """Return an image [H, W] or [H, W, C] mirrored at its lower and right border until both sides have ``size`` pixels."""
    missing = [max(0, size - side) for side in image.shape[:2]]
    if not any(missing):
        return image
    return np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)][: image.ndim], mode="reflect")


def random_corner(shape: tuple[int, ...], size: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return a random top left corner of a crop inside an image that is at least as large."""
    return int(rng.integers(shape[0] - size + 1)), int(rng.integers(shape[1] - size + 1))


def center_corner(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Return the top left corner of the central crop."""
    return (shape[0] - size) // 2, (shape[1] - size) // 2


def crop_at(image: np.ndarray, corner: tuple[int, int], size: int) -> np.ndarray:
    """Return the square crop with the given top left corner."""
    top, left = corner
    return image[top : top + size, left : left + size]


def dihedral(image: np.ndarray, number: int) -> np.ndarray:
    """Return one of the eight mirrorings and turns of a square image; number 0 leaves it unchanged."""
    turned = np.rot90(image, number % 4)
    return turned[:, ::-1] if number >= 4 else turned
