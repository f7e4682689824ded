"""``fusionbench pack``: write a bundle."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fusionbench import __version__
from fusionbench.bundle.content import (
    INDEX,
    RUNS,
    SCHEMA,
    cell_files,
    pixel_hash,
    rendered_tables,
    repeat_command,
    sha256,
)
from fusionbench.cells.store import Cell, find_cells
from fusionbench.errors import OutputError, RequestError
from fusionbench.files import write_through

# the time of all members of the archive, so that packing the same runs again changes only the date in the index
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Packed:
    """A written bundle: its numbers of cells and of image files, and its size in bytes."""

    cells: int
    images: int
    size: int


def pack(folders: Sequence[Path], out: Path, images: bool = False) -> Packed:
    """Write records, scores, tables and hashes of all cells below runs folders to one file.

    With ``images`` it also contains the fused images and the predictions of downstream tasks; the hashes of the images
    are always in it. Raises DataNotFoundError for a folder without runs, RequestError if two folders contain the same
    run, and OutputError if the file cannot be written.
    """
    cells = {_place(cell): cell for cell in find_cells(*folders)}
    if len(cells) < len(find_cells(*folders)):
        raise RequestError("Two of the folders hold the same run: give each run once.")
    members: dict[str, bytes] = {}
    pixels: dict[str, dict[str, str]] = {}
    count = 0
    for place, cell in cells.items():
        members |= {
            f"{RUNS}/{place}/{path.relative_to(cell.path).as_posix()}": path.read_bytes()
            for path in cell_files(cell, images)
        }
        stored = {name: cell.image(name) for name in sorted(cell.stored())}
        pixels[place] = {name: pixel_hash(path) for name, path in stored.items()}
        if images:
            members |= {
                f"{RUNS}/{place}/images/{name}.png": path.read_bytes() for name, path in stored.items()
            }
            count += len(stored)
    members |= rendered_tables(*folders)
    write_through(out, lambda partial: _write(partial, _index(cells, members, pixels, images), members))
    return Packed(len(cells), count, out.stat().st_size)


def _place(cell: Cell) -> str:
    """Return a cell's path within its runs folder: data set and split, method, id."""
    return "/".join(cell.path.resolve().parts[-3:])


def _index(
    cells: dict[str, Cell], members: dict[str, bytes], pixels: dict[str, dict[str, str]], images: bool
) -> dict[str, Any]:
    records = {place: cell.read_record() for place, cell in cells.items()}
    if missing := [place for place, record in records.items() if record is None]:
        raise OutputError(f"The record of {missing[0]} disappeared while it was packed: pack again.")
    return {
        "schema": SCHEMA,
        "fusionbench": __version__,
        "packed": datetime.now(UTC).isoformat(timespec="seconds"),
        "with_images": images,
        "requests": {place: repeat_command(record) for place, record in records.items() if record},
        "files": {name: sha256(data) for name, data in sorted(members.items())},
        "pixels": pixels,
    }


def _write(path: Path, index: dict[str, Any], members: dict[str, bytes]) -> None:
    document = json.dumps(index, indent=1, allow_nan=False, ensure_ascii=False).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in ((INDEX, document), *sorted(members.items())):
            # PNG and compressed NumPy files do not shrink further
            kind = zipfile.ZIP_STORED if name.endswith((".png", ".npz")) else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, kind)
