"""Fuse the pairs of a cell that have no image yet. Images are decoded and saved in threads beside the method."""

from __future__ import annotations

import hashlib
import random
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from fusionbench.cells.fusing.forward import ForwardPass
from fusionbench.cells.planned import Done, Failure
from fusionbench.cells.store import Cell
from fusionbench.data.images import PairImages, load_pair
from fusionbench.data.pipeline import Writers, read_ahead
from fusionbench.errors import ImageError, PluginError, in_one_line
from fusionbench.method import FusionMethod
from fusionbench.types import Pair

Load = Callable[[Pair], PairImages]
PASSES_AHEAD = 1  # batches that a GPU is given before the result of an earlier one is waited for


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
    fusing = _Fusing(method, device, seed, outcome)
    with Writers() as writers:
        for batch, fused in fusing.batches(read_ahead(batches, partial(_load, load=load))):
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


@dataclass
class _Group:
    """Pairs of equal shape and their forward pass, or the reason why it could not begin."""

    members: list[tuple[Pair, PairImages]]
    forward: ForwardPass | Failure


@dataclass
class _Fusing:
    """The forward passes of a cell; failures go to ``outcome``."""

    method: FusionMethod
    device: str
    seed: int
    outcome: Fused

    def batches(
        self, read: Iterable[tuple[list[Pair], list[PairImages | Failure]]]
    ) -> Iterator[tuple[list[Pair], dict[str, torch.Tensor]]]:
        """Yield each batch with the fused images of its pairs, by pair id, that did not fail.

        A GPU is given a batch before the one before it is waited for, so that it is never idle while images are stored.
        On CPUs that would only keep a finished batch from being stored.
        """
        ahead = PASSES_AHEAD if self.device != "cpu" else 0
        under_way: deque[tuple[list[Pair], list[_Group]]] = deque()
        for batch, loaded in read:
            under_way.append((batch, self._begin(batch, loaded)))
            if len(under_way) > ahead:
                yield self._end(*under_way.popleft())
        while under_way:
            yield self._end(*under_way.popleft())

    def _begin(self, batch: list[Pair], loaded: list[PairImages | Failure]) -> list[_Group]:
        """Begin a batch; readable pairs of equal shape share a forward pass."""
        groups: dict[tuple[int, ...], list[tuple[Pair, PairImages]]] = {}
        for pair, images in zip(batch, loaded, strict=True):
            if isinstance(images, Failure):
                self.outcome.failures[pair.id] = images
            else:
                groups.setdefault(images.b.shape, []).append((pair, images))
        return [_Group(members, self._forward(members)) for members in groups.values()]

    def _forward(self, members: list[tuple[Pair, PairImages]]) -> ForwardPass | Failure:
        seed_everything(self.seed, [pair.id for pair, _ in members])
        try:
            return ForwardPass(self.method, [images for _, images in members], self.device)
        except Exception as error:  # a plug-in can raise anything, and it costs these images only
            return failure_from(error)

    def _end(self, batch: list[Pair], groups: list[_Group]) -> tuple[list[Pair], dict[str, torch.Tensor]]:
        return batch, {name: image for group in groups for name, image in self._fused(group).items()}

    def _fused(self, group: _Group) -> dict[str, torch.Tensor]:
        """Return a group's fused images, made one by one where memory is too small for all at once."""
        images = _waited_for(group.forward)
        if not isinstance(images, Failure):
            return {pair.id: image for (pair, _), image in zip(group.members, images, strict=True)}
        if images.status != "oom" or len(group.members) == 1:
            self.outcome.failures.update({pair.id: images for pair, _ in group.members})
            return {}
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.outcome.alone.extend(pair.id for pair, _ in group.members)
        alone = (self._fused(_Group([member], self._forward([member]))) for member in group.members)
        return {name: image for single in alone for name, image in single.items()}


def _waited_for(forward: ForwardPass | Failure) -> torch.Tensor | Failure:
    if isinstance(forward, Failure):
        return forward
    try:
        return forward.images()
    except Exception as error:  # a GPU's error may be told only here
        return failure_from(error)


def seed_everything(seed: int, names: Sequence[str]) -> None:
    """Seed torch, NumPy and ``random`` with a hash of the seed and the names in their order."""
    # SHA-256 because Python's own hash of a text differs from process to process
    digest = hashlib.sha256("\n".join([str(seed), *names]).encode()).digest()
    # 32 bits, the most that NumPy accepts
    value = int.from_bytes(digest[:4])
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)


def failure_from(error: Exception) -> Failure:
    """Return an exception of a method as a failure with a message of one line; print its traceback to the cell's log.

    Running out of memory has the status "oom", anything else "failed".
    """
    traceback.print_exception(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return Failure("oom", "out of memory: use a smaller --batch-size or another device")
    text = " ".join(str(error).split()) if isinstance(error, PluginError) else in_one_line(error)
    return Failure("failed", text)
