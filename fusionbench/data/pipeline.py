"""Images decoded before, and rounded and encoded after, the thread that computes, which waits for neither.

Threads suffice, because decoding and encoding of images release the interpreter lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from fusionbench.data.images import write_image

READERS = 2
READ_AHEAD = 2  # batches decoded before their turn: bounds the memory in use
WRITERS = 4  # images encoded at once, and as many waiting

T = TypeVar("T")
Loaded = TypeVar("Loaded")


def read_ahead(
    batches: Sequence[list[T]], load: Callable[[T], Loaded]
) -> Iterator[tuple[list[T], list[Loaded]]]:
    """Yield each batch with what ``load`` returns for its members, in order, while the next `READ_AHEAD` are being read.

    What ``load`` raises is raised here when the batch's turn comes.
    """
    with ThreadPoolExecutor(READERS) as reader:
        waiting: deque[tuple[list[T], list[Future[Loaded]]]] = deque()
        for batch in [*batches, *[None] * READ_AHEAD]:
            if batch is not None:
                waiting.append((batch, [reader.submit(load, member) for member in batch]))
            if waiting and (batch is None or len(waiting) > READ_AHEAD):
                first, futures = waiting.popleft()
                yield first, [future.result() for future in futures]


class Writers:
    """Threads that store fused images; leaving the ``with`` block waits for them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(WRITERS)
        self._saving: deque[Future[Path]] = deque()

    def __enter__(self) -> Writers:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def save(self, path: Path, fused: np.ndarray, then: Callable[[], None] = lambda: None) -> None:
        """Store an image [C, H, W] in [0, 1] as PNG, and call ``then`` in the writing thread."""
        self._saving.append(self._threads.submit(_save, path, fused, then))

    def written(self, waiting: int = 2 * WRITERS) -> Iterator[Path]:
        """Yield the paths of images that are stored, oldest first; wait for some while more than so many are not.

        Raises OutputError if an image cannot be stored.
        """
        while self._saving and (len(self._saving) > waiting or self._saving[0].done()):
            yield self._saving.popleft().result()


def _save(path: Path, fused: np.ndarray, then: Callable[[], None]) -> Path:
    write_image(path, to_uint8(fused))
    then()
    return path


def to_uint8(fused: np.ndarray) -> np.ndarray:
    """Convert a float image [C, H, W] in [0, 1] to uint8 [H, W] or [H, W, 3], halves rounded up."""
    # float64, because float32 moves products close to a half across it; halves go up as in MATLAB's uint8(), not to even
    image = np.moveaxis(np.floor(fused.astype(np.float64) * 255 + 0.5).astype(np.uint8), 0, -1)
    return image[..., 0] if image.shape[-1] == 1 else image
