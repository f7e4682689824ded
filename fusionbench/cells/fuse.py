"""Fuse the pairs of a cell that have no image yet. Decoding and saving run beside the method."""

from __future__ import annotations

import hashlib
import random
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch

from fusionbench.cells.planned import Done, Failure
from fusionbench.cells.store import Cell
from fusionbench.data.images import PairImages, load_pair, write_image
from fusionbench.errors import ImageError, OutputError, PluginError
from fusionbench.method import FusionMethod, fuse_pair
from fusionbench.types import Pair

READ_AHEAD = 2
Load = Callable[[Pair], PairImages]


class Fused(NamedTuple):
    """What failed, by pair id, and which pairs were fused alone because their batch took too much memory."""

    failures: dict[str, Failure]
    alone: list[str]


def fuse_missing(
    method: FusionMethod,
    pairs: Sequence[Pair],
    cell: Cell,
    batch_size: int,
    device: str,
    done: Done,
    load: Load = load_pair,
    seed: int = 0,
) -> Fused:
    """Fuse and store each pair without an image; ``load`` reads its sources.

    Random numbers in a method's ``fuse`` are drawn from a seed made of ``seed`` and the ids of the pairs that are fused
    at once, whatever was fused before.

    Batches are the same whatever is already there, because a convolution's last digits depend on the batch it
    runs in and a resumed run must give the same bytes. Raises OutputError where nothing can be stored.
    """
    outcome = Fused({}, [])
    batches = [b for b in in_batches(pairs, batch_size) if any(not cell.image(p.id).exists() for p in b)]
    with ThreadPoolExecutor(2) as reader, ThreadPoolExecutor(1) as writer:
        saving: list[Future[None]] = []
        for batch, loaded in _read_ahead(reader, batches, load):
            fused = _fuse_batch(method, batch, loaded, device, outcome, seed)
            for pair in batch:
                if pair.id in outcome.failures:
                    done(pair.id, outcome.failures[pair.id])
                elif not cell.image(pair.id).exists():
                    saving.append(writer.submit(_save, cell, pair.id, fused[pair.id], done))
            # an unwritable disk must stop the run now, not after the last pair
            while len(saving) > READ_AHEAD:
                saving.pop(0).result()
        for future in saving:
            future.result()
    return outcome


def in_batches(pairs: Sequence[Pair], size: int) -> list[list[Pair]]:
    return [list(pairs[start : start + size]) for start in range(0, len(pairs), size)]


def _read_ahead(
    reader: ThreadPoolExecutor, batches: list[list[Pair]], load: Load
) -> Iterator[tuple[list[Pair], list[PairImages | Failure]]]:
    waiting: list[tuple[list[Pair], list[Future[PairImages | Failure]]]] = []
    for batch in [*batches, *[None] * READ_AHEAD]:
        if batch is not None:
            waiting.append((batch, [reader.submit(_load, pair, load) for pair in batch]))
        if waiting and (batch is None or len(waiting) > READ_AHEAD):
            first, futures = waiting.pop(0)
            yield first, [future.result() for future in futures]


def _load(pair: Pair, load: Load) -> PairImages | Failure:
    try:
        return load(pair)
    except ImageError as error:
        return Failure("failed", str(error))


def _fuse_batch(
    method: FusionMethod,
    batch: list[Pair],
    loaded: list[PairImages | Failure],
    device: str,
    outcome: Fused,
    seed: int,
) -> dict[str, np.ndarray]:
    """Fuse the readable pairs of a batch, those of equal shape together."""
    groups: dict[tuple[int, ...], list[tuple[Pair, PairImages]]] = {}
    for pair, images in zip(batch, loaded, strict=True):
        if isinstance(images, Failure):
            outcome.failures[pair.id] = images
        else:
            groups.setdefault(images.b.shape, []).append((pair, images))
    fused: dict[str, np.ndarray] = {}
    for group in groups.values():
        fused |= _fuse_group(method, group, device, outcome, seed)
    return fused


def _fuse_group(
    method: FusionMethod, group: list[tuple[Pair, PairImages]], device: str, outcome: Fused, seed: int
) -> dict[str, np.ndarray]:
    """Fuse pairs of equal shape, one by one where memory is too small for all of them."""
    seed_everything(seed, [pair.id for pair, _ in group])
    try:
        images = fuse_arrays(method, [images for _, images in group], device)
        return {pair.id: image for (pair, _), image in zip(group, images, strict=True)}
    except Exception as error:  # a plug-in can raise anything, and it costs these images only
        failure = failure_from(error)
    if failure.status != "oom" or len(group) == 1:
        outcome.failures.update({pair.id: failure for pair, _ in group})
        return {}
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    outcome.alone.extend(pair.id for pair, _ in group)
    alone = (_fuse_group(method, [member], device, outcome, seed) for member in group)
    return {pair_id: image for single in alone for pair_id, image in single.items()}


def seed_everything(seed: int, names: Sequence[str]) -> None:
    """Seed torch, NumPy and ``random`` by a hash of the seed and the names, in their order."""
    digest = hashlib.sha256("\n".join([str(seed), *names]).encode()).digest()
    value = int.from_bytes(digest[:4])
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)


def fuse_arrays(method: FusionMethod, group: list[PairImages], device: str) -> list[np.ndarray]:
    """Fuse pairs of equal shape into the uint8 images that are stored, [H, W] or [H, W, 3] as b."""
    a = torch.from_numpy(np.stack([images.a for images in group]))[:, None]
    b = torch.from_numpy(np.stack([images.b for images in group]))
    b = b[:, None] if b.ndim == 3 else b.movedim(-1, 1)
    fused = fuse_pair(method, a.to(device), b.contiguous().to(device)).cpu()
    return [to_uint8(image) for image in fused]


def to_uint8(fused: torch.Tensor) -> np.ndarray:
    """Return [C, H, W] in [0, 1] as the uint8 [H, W] or [H, W, 3] that is stored, halves rounded up."""
    image = (fused.double() * 255 + 0.5).floor().to(torch.uint8).movedim(0, -1).numpy()
    return image[..., 0] if image.shape[-1] == 1 else image


def failure_from(error: Exception) -> Failure:
    """Word an exception of a method in one line, its traceback going to the cell's log.

    Out of memory has a status of its own.
    """
    traceback.print_exception(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return Failure("oom", "out of memory: use a smaller --batch-size or another device")
    text = " ".join(str(error).split())
    return Failure("failed", text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}")


def _save(cell: Cell, pair_id: str, image: np.ndarray, done: Done) -> None:
    try:
        write_image(cell.image(pair_id), image)
    except OSError as error:
        raise OutputError(
            f"Cannot write {cell.image(pair_id)}: {error.strerror}; free space and run again."
        ) from error
    done(pair_id, None)
