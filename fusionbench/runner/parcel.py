"""Files of a cell on their way from a machine that does not see the driver's runs folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from filelock import FileLock

from fusionbench.files import write_through
from fusionbench.runner.store import Cell, key_of

Parcel = dict[str, bytes]  # content by path below the runs folder, in the order in which it is to be written
CELL_FILES = ("images/*.png", "log.txt", "scores.jsonl", "run.json")
TRAINING_FILES = (
    "training/*/*/*/curves.*",
    "training/*/*/*/weights.safetensors",
    "training/*/*/*/weights.json",
)


def pack(out: Path, files: Iterable[Path]) -> Parcel:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def pack_results(out: Path, cell: Path | None) -> Parcel:
    """Return what a cell left below ``out``: its own files and those of its training, checkpoints left out."""
    trained = [path for pattern in TRAINING_FILES for path in sorted(out.glob(pattern))]
    own = [path for pattern in CELL_FILES for path in sorted(cell.glob(pattern))] if cell else []
    return pack(out, [*trained, *own])


def unpack(out: Path, parcel: Parcel) -> None:
    """Write the files below ``out``, each under a temporary name first. Raises OutputError."""
    for name, content in parcel.items():
        write_through(out / name, lambda partial, content=content: partial.write_bytes(content))


def take_in(out: Path, cell: Path | None, parcel: Parcel, fresh: bool) -> None:
    """Put a cell's files, and those of its training, into the store; scores that are there stay. Raises OutputError."""
    own = {name: data for name, data in parcel.items() if cell and PurePosixPath(name).is_relative_to(cell)}
    unpack(out, {name: data for name, data in parcel.items() if name not in own})
    if cell is None:
        return
    stored = Cell(out / cell)
    stored.path.mkdir(parents=True, exist_ok=True)
    with FileLock(stored.path / ".lock"):
        if fresh:
            stored.forget()
        scores = own.pop((cell / "scores.jsonl").as_posix(), b"")
        record = own.pop((cell / "run.json").as_posix())
        unpack(out, own)
        _add_scores(stored, scores)
        unpack(out, {(cell / "run.json").as_posix(): record})  # last: it says that the rest is there


def _add_scores(stored: Cell, scores: bytes) -> None:
    stored.drop_torn_line()
    earlier = stored.scores()
    lines = [json.loads(line) for line in scores.splitlines()]
    stored.append(line for line in lines if line != earlier.get(key_of(line)))
