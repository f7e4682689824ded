"""What a network is trained and tested on: stored images with their maps or boxes, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset, Sampler

from fusionbench.data.images import check_same_size, eight_bit, read_image, read_label, unit
from fusionbench.data.labels import read_boxes
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import ImageError
from fusionbench.types import Pair

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as pretrained backbones expect them
IGNORED = 255  # pixels of a label map that take no part


def read_rgb(path: Path) -> np.ndarray:
    """Read an image as uint8 [H, W, 3]; a gray one gets three equal channels."""
    image = eight_bit(read_image(path))
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def normalized(image: np.ndarray) -> Tensor:
    """Return uint8 [H, W, 3] as float32 [3, H, W] of about zero mean and unit deviation."""
    shifted = (unit(image) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(shifted.transpose(2, 0, 1)))


def read_map(pair: Pair, spec: DatasetSpec, image: Path) -> np.ndarray:
    """Read a pair's label map as uint8 [H, W], 255 for ignored pixels. Raises ImageError."""
    assert pair.label is not None
    assert spec.labels is not None
    numbers = read_label(pair.label)
    check_same_size(numbers, pair.label, read_image(image), image)
    if numbers.max() >= len(spec.labels.classes):
        raise ImageError(
            f"'{pair.label}' holds class {numbers.max()}, of {len(spec.labels.classes)} classes: `fusionbench data verify "
            f"{spec.name}`."
        )
    ignored = [spec.labels.classes.index(name) for name in spec.labels.ignored]
    return np.where(np.isin(numbers, ignored), IGNORED, numbers).astype(np.uint8)


@dataclass(frozen=True)
class Source:
    """The pairs of one side of a division, the data set's facts and the image file of each pair by its id."""

    pairs: Sequence[Pair]
    spec: DatasetSpec
    images: Mapping[str, Path]


class Maps(Dataset[tuple[Tensor, Tensor]]):
    """Images float32 [3, h, w] with label maps int64 [h, w], both resized to ``size`` (height, width)."""

    def __init__(self, source: Source, size: tuple[int, int], mirrored: Callable[[int], bool]) -> None:
        self.source, self.size, self.mirrored = source, size, mirrored
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.source.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, numbers = self._kept.get(index) or self._read(index)
        self._kept[index] = image, numbers
        if self.mirrored(index):
            image, numbers = image.flip(-1), numbers.flip(-1)
        return normalized(image.permute(1, 2, 0).numpy()), numbers.long()

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the image uint8 [3, h, w] and the map uint8 [h, w]."""
        pair = self.source.pairs[index]
        path = self.source.images[pair.id]
        numbers = torch.from_numpy(read_map(pair, self.source.spec, path))
        numbers = functional.interpolate(numbers[None, None].float(), self.size, mode="nearest")[0, 0]
        return resized(read_rgb(path), self.size), numbers.to(torch.uint8)


def resized(image: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Return uint8 [H, W, 3] as uint8 [3, h, w], bilinear with antialiasing."""
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float()
    scaled = functional.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
    return scaled[0].round().clamp(0, 255).to(torch.uint8)


class Objects(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """Images float32 [3, H, W] in [0, 1] with ``boxes`` float32 [N, 4] in pixels and ``labels`` int64 [N] from 1 on."""

    def __init__(self, source: Source, mirrored: Callable[[int], bool]) -> None:
        self.source, self.mirrored = source, mirrored

    def __len__(self) -> int:
        return len(self.source.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        pair, spec = self.source.pairs[index], self.source.spec
        image = read_rgb(self.source.images[pair.id])
        assert pair.boxes is not None
        assert spec.boxes is not None
        annotated = read_boxes(pair.boxes, spec.boxes, image.shape[:2], spec.labels)
        pixels = torch.from_numpy(np.ascontiguousarray(unit(image).transpose(2, 0, 1)))
        boxes = torch.from_numpy(annotated.corners.astype(np.float32))
        if self.mirrored(index):
            pixels = pixels.flip(-1)
            boxes = torch.stack(
                [image.shape[1] - boxes[:, 2], boxes[:, 1], image.shape[1] - boxes[:, 0], boxes[:, 3]], dim=1
            )
        return pixels, {"boxes": boxes, "labels": torch.from_numpy(annotated.numbers + 1)}


def as_lists(items: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Collate to a list of images and a list of targets, as detectors of torchvision take them."""
    images, targets = zip(*items, strict=True)
    return list(images), list(targets)


class EachEpoch(Sampler[int]):
    """Shuffle anew each epoch, and mirror half of the images, by seed and epoch alone: a resumed training sees the same.

    Lightning calls ``set_epoch`` of a sampler by itself.
    """

    def __init__(self, count: int, seed: int, flip: bool) -> None:
        self.count, self.seed, self.flip, self.epoch = count, seed, flip, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def mirrored(self, index: int) -> bool:
        """Tell whether an image is mirrored in this epoch."""
        return self.flip and bool(np.random.default_rng([self.seed, self.epoch, 1, index]).integers(2))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng([self.seed, self.epoch, 0]).permutation(self.count).tolist())
