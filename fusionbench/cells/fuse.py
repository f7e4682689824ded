"""Fuse the pairs of a cell that have no image yet. Images are decoded and saved in threads beside the method."""

from __future__ import annotations

import hashlib
import random
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from fusionbench.cells.planned import Done, Failure
from fusionbench.cells.store import Cell
from fusionbench.data.images import PairImages, load_pair
from fusionbench.data.pipeline import Writers, read_ahead, to_uint8
from fusionbench.errors import ImageError, PluginError
from fusionbench.method import FusionMethod, fuse_pair
from fusionbench.types import Pair

Load = Callable[[Pair], PairImages]


class Fused(NamedTuple):
    """The failures by pair id, and the ids of pairs fused one by one because their batch did not fit into memory."""

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

    ``done`` is called with the id of each pair and its failure, if any, from this or a writing thread. Before each
    forward pass the random generators are seeded from ``seed`` and the ids of the pairs in it, so that the result does
    not depend on what was fused before. Raises OutputError if an image cannot be stored.
    """
    outcome = Fused({}, [])
    # batches are cut from all pairs, not from those left: a convolution's last digits depend on the batch it runs in,
    # and a resumed run must write the same bytes
    batches = [list(pairs[start : start + batch_size]) for start in range(0, len(pairs), batch_size)]
    batches = [batch for batch in batches if any(not cell.image(pair.id).exists() for pair in batch)]
    with Writers() as writers:
        for batch, loaded in read_ahead(batches, partial(_load, load=load)):
            fused = _fuse_batch(method, batch, loaded, device, outcome, seed)
            for pair in batch:
                if pair.id in outcome.failures:
                    done(pair.id, outcome.failures[pair.id])
                elif not cell.image(pair.id).exists():
                    writers.save(cell.image(pair.id), fused[pair.id].numpy(), partial(done, pair.id, None))
            # an unwritable disk must stop the run now, not after the last pair
            for _ in writers.written():
                pass
        for _ in writers.written(0):
            pass
    return outcome


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
) -> dict[str, torch.Tensor]:
    """Return the fused images of a batch's readable pairs by pair id; pairs of equal shape share a forward pass."""
    groups: dict[tuple[int, ...], list[tuple[Pair, PairImages]]] = {}
    for pair, images in zip(batch, loaded, strict=True):
        if isinstance(images, Failure):
            outcome.failures[pair.id] = images
        else:
            groups.setdefault(images.b.shape, []).append((pair, images))
    fused: dict[str, torch.Tensor] = {}
    for group in groups.values():
        fused |= _fuse_group(method, group, device, outcome, seed)
    return fused


def _fuse_group(
    method: FusionMethod, group: list[tuple[Pair, PairImages]], device: str, outcome: Fused, seed: int
) -> dict[str, torch.Tensor]:
    """Return the fused images of pairs of equal shape, fused one by one where memory is too small for all at once."""
    seed_everything(seed, [pair.id for pair, _ in group])
    try:
        fused = fuse_tensors(method, [images for _, images in group], device)
        return {pair.id: image for (pair, _), image in zip(group, fused, strict=True)}
    except Exception as error:  # a plug-in can raise anything, and it costs these images only
        failure = failure_from(error)
    # retried outside the except block, because a caught exception keeps the tensors of the failed pass alive
    if failure.status != "oom" or len(group) == 1:
        outcome.failures.update({pair.id: failure for pair, _ in group})
        return {}
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    outcome.alone.extend(pair.id for pair, _ in group)
    alone = (_fuse_group(method, [member], device, outcome, seed) for member in group)
    return {pair_id: image for single in alone for pair_id, image in single.items()}


def seed_everything(seed: int, names: Sequence[str]) -> None:
    """Seed torch, NumPy and ``random`` with a hash of the seed and the names in their order."""
    # SHA-256 because Python's own hash of a text differs from process to process
    digest = hashlib.sha256("\n".join([str(seed), *names]).encode()).digest()
    # 32 bits, the most that NumPy accepts
    value = int.from_bytes(digest[:4])
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)


def fuse_arrays(method: FusionMethod, group: list[PairImages], device: str) -> list[np.ndarray]:
    """Return the fused images of pairs of equal shape as they are stored: uint8, [H, W] or [H, W, 3] as b has them."""
    return [to_uint8(image.numpy()) for image in fuse_tensors(method, group, device)]


def fuse_tensors(method: FusionMethod, group: list[PairImages], device: str) -> torch.Tensor:
    """Return the fused images [pairs, C, H, W] of pairs of equal shape on the CPU, float32 in [0, 1]."""
    a = torch.from_numpy(np.stack([images.a for images in group]))[:, None]
    b = torch.from_numpy(np.stack([images.b for images in group]))
    b = b[:, None] if b.ndim == 3 else b.movedim(-1, 1)
    return fuse_pair(method, a.to(device), b.contiguous().to(device)).cpu()


def failure_from(error: Exception) -> Failure:
    """Return an exception of a method as a failure with a message of one line; print its traceback to the cell's log.

    Running out of memory has the status "oom", anything else "failed".
    """
    traceback.print_exception(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return Failure("oom", "out of memory: use a smaller --batch-size or another device")
    text = " ".join(str(error).split())
    return Failure("failed", text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}")
