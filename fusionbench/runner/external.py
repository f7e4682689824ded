"""``images:DIR`` as a method: someone's fused images, checked and taken over as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from fusionbench.data.images import load_pair, read_image, write_image
from fusionbench.data.pairs import list_images
from fusionbench.errors import ImageError
from fusionbench.runner.fuse import Done, Failure
from fusionbench.runner.store import Cell
from fusionbench.types import Pair


def external_hash(folder: Path, pairs: Sequence[Pair]) -> str:
    """Return the SHA-256 over the images that will be used: the identity of a method known by its results."""
    found = list_images(folder, "*")
    digest = hashlib.sha256()
    for pair in pairs:
        content = found[pair.id].read_bytes() if pair.id in found else b""
        digest.update(pair.id.encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()


def take_missing(folder: Path, pairs: Sequence[Pair], cell: Cell, done: Done) -> dict[str, Failure]:
    """Store each pair's image from the folder; return what is missing or has another size, by pair id."""
    found = list_images(folder, "*")
    failures: dict[str, Failure] = {}
    for pair in pairs:
        if cell.image(pair.id).exists():
            continue
        try:
            _take(folder, found.get(pair.id), pair, cell)
        except ImageError as error:
            failures[pair.id] = Failure("failed", str(error))
        done(pair.id, failures.get(pair.id))
    return failures


def _take(folder: Path, path: Path | None, pair: Pair, cell: Cell) -> None:
    if path is None:
        raise ImageError(f"No image '{pair.id}' in {folder}: add it (PNG, JPEG, BMP or TIFF).")
    image, size = read_image(path), load_pair(pair).b.shape[:2]
    if image.dtype != "uint8":
        raise ImageError(f"{path} holds {image.dtype}: save it with 8 bits a channel.")
    if image.shape[:2] != size:
        raise ImageError(
            f"{path} is {image.shape[1]}x{image.shape[0]}, its sources are {size[1]}x{size[0]}: fuse at their size."
        )
    write_image(cell.image(pair.id), image)
