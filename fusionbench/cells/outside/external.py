"""``images:DIR`` as a method: fused images made elsewhere, checked and stored unchanged."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fusionbench.cells.planned import Done, Failure
from fusionbench.cells.store import Cell
from fusionbench.data.fused.fused_folder import FusedFolder, check_size, find_fused
from fusionbench.data.images import load_pair, read_image, write_image
from fusionbench.errors import ImageError
from fusionbench.types import Pair


def external_hash(folder: Path, pairs: Sequence[Pair]) -> str:
    """Return the SHA-256 of the images that will be used, the identity of a method given as a folder of results."""
    files = find_fused(folder, pairs).files
    digest = hashlib.sha256()
    for pair in pairs:
        content = b""
        if pair.id in files:
            with contextlib.suppress(OSError):  # one that cannot be read is missing, and fails its pair alone
                content = files[pair.id].read_bytes()
        digest.update(pair.id.encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()


def take_missing(folder: Path, pairs: Sequence[Pair], cell: Cell, done: Done) -> dict[str, Failure]:
    """Store each pair's image from the folder; return failures by pair id for images missing or of another size."""
    fused = find_fused(folder, pairs)
    failures: dict[str, Failure] = {}
    for pair in pairs:
        if cell.image(pair.id).exists():
            continue
        try:
            write_image(cell.image(pair.id), fused_image(fused, pair))
        except ImageError as error:
            failures[pair.id] = Failure("failed", str(error))
        done(pair.id, failures.get(pair.id))
    return failures


def fused_image(fused: FusedFolder, pair: Pair) -> np.ndarray:
    """Return the image of a pair, uint8. Raises ImageError if it is missing, deeper than 8 bits or of another size."""
    path = fused.files.get(pair.id)
    if path is None:
        raise ImageError(_absent(fused, pair))
    image = read_image(path)
    if image.dtype != "uint8":
        raise ImageError(f"{path} holds {image.dtype}: save it with 8 bits per channel.")
    check_size(path, image, load_pair(pair).b)
    return image


def _absent(fused: FusedFolder, pair: Pair) -> str:
    if fused.conflicts:
        return f"Which image of '{fused.path}' belongs to which pair is not clear: {fused.conflicts[0]}"
    hint = f" ({fused.hint})" if fused.hint else ""
    return f"No image '{pair.id}' in '{fused.path}'{hint}: add it (PNG, JPEG, BMP or TIFF)."
