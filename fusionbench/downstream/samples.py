"""Samples of downstream networks: stored images with their label maps or boxes, as tensors."""

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

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which pretrained backbones expect
IGNORED = 255  # number of pixels of a label map that are excluded from loss and scores


def read_rgb(path: Path) -> np.ndarray:
    """Read an image as uint8 [H, W, 3]; a gray one gets three equal channels. Raises ImageError."""
    image = eight_bit(read_image(path))
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def normalized(image: np.ndarray) -> Tensor:
    """Return an image uint8 [H, W, 3] as float32 [3, H, W], standardized by ImageNet's mean and deviation."""
    shifted = (unit(image) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(shifted.transpose(2, 0, 1)))


def read_map(pair: Pair, spec: DatasetSpec, image: Path) -> np.ndarray:
    """Read a pair's label map as uint8 [H, W], with 255 for ignored pixels.

    Raises ImageError if it cannot be read, differs in size from ``image``, or has an unknown class.
    """
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
    """The pairs of one side of a division, the data set, and the image file of each pair by its id."""

    pairs: Sequence[Pair]
    spec: DatasetSpec
    images: Mapping[str, Path]


class SegmentationDataset(Dataset[tuple[Tensor, Tensor]]):
    """A data set of images float32 [3, h, w] and label maps int64 [h, w], both resized to ``size`` (height, width)."""

    def __init__(self, source: Source, size: tuple[int, int], mirrored: Callable[[int], bool]) -> None:
        self.source, self.size, self.mirrored = source, size, mirrored
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.source.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, numbers = self._kept.get(index) or self._read(index)
        # kept as uint8, so that each file is read and resized only once
        self._kept[index] = image, numbers
        if self.mirrored(index):
            image, numbers = image.flip(-1), numbers.flip(-1)
        return normalized(image.permute(1, 2, 0).numpy()), numbers.long()

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the resized image uint8 [3, h, w] and map uint8 [h, w]."""
        pair = self.source.pairs[index]
        path = self.source.images[pair.id]
        numbers = torch.from_numpy(read_map(pair, self.source.spec, path))
        numbers = functional.interpolate(numbers[None, None].float(), self.size, mode="nearest")[0, 0]
        return resized(read_rgb(path), self.size), numbers.to(torch.uint8)


def resized(image: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Return an image uint8 [H, W, 3] resized to uint8 [3, h, w], bilinear with antialiasing."""
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float()
    scaled = functional.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
    return scaled[0].round().clamp(0, 255).to(torch.uint8)


class DetectionDataset(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """A data set of images float32 [3, H, W] in [0, 1], ``boxes`` float32 [N, 4] in pixels, ``labels`` int64 [N] from 1."""

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
    """Collate a batch to a list of images and a list of targets, the inputs of torchvision's detectors."""
    images, targets = zip(*items, strict=True)
    return list(images), list(targets)


class EachEpoch(Sampler[int]):
    """A sampler that shuffles each epoch differently and mirrors a random half of the images.

    Both depend only on seed and epoch, so that a resumed training gets the same samples. Lightning calls ``set_epoch``.
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
