"""Embeddings of images, computed once for each tower and cached in files named by the hash of the pixels."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from fusionbench.files import write_through
from fusionbench.metrics.learned.sets_options import FoundTower

VERSION = 1  # to be raised when `towers.preprocessed` changes the input of a tower


class EmbeddingCache:
    """A cache in files ``<folder>/<tower>/<first two digits>/<hash of the pixels>.npy``.

    Files are renamed into place, so processes may share the folder; two that compute the same embedding at the same time
    both write it.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.folder, self.device = folder, device

    def embedding(self, tower: FoundTower, levels: np.ndarray) -> np.ndarray:
        """Return the embedding of an image, uint8 [H, W] or [H, W, 3], as float32 [D].

        Raises WeightsError if the tower's file belongs to another network, OutputError if the cache cannot be written.
        """
        place = self.place(tower, levels)
        vector = _read(place)
        if vector is None:
            from fusionbench.metrics.learned.towers import embed

            vector = embed(tower, levels, self.device)
            write_through(place, lambda partial: _write(partial, vector))
        return vector

    def place(self, tower: FoundTower, levels: np.ndarray) -> Path:
        """Return the path of an image's embedding."""
        pixels = hashlib.sha256(f"{levels.shape} {levels.dtype} ".encode())
        pixels.update(np.ascontiguousarray(levels).data)
        name = pixels.hexdigest()[:32]
        return self.folder / tower_key(tower) / name[:2] / f"{name}.npy"


def tower_key(tower: FoundTower) -> str:
    """Return a hash, 16 hexadecimal digits, of everything that determines a tower's embeddings."""
    spec = tower.spec
    facts = [VERSION, tower.digest, spec.model, tower.layout, spec.side, spec.mean, spec.std]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _read(place: Path) -> np.ndarray | None:
    try:
        vector = np.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # absent or damaged: it is computed again
        return None
    return vector if vector.ndim == 1 and vector.dtype == np.float32 else None


def _write(partial: Path, vector: np.ndarray) -> None:
    with partial.open("wb") as stream:  # given a name, NumPy would append .npy to it
        np.save(stream, vector)
