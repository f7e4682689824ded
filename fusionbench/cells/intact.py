"""Detect stored images that were changed after they had been scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fusionbench.cells.store import Cell
from fusionbench.data.manifest import SHORT_HASH, file_hashes
from fusionbench.errors import OutputError, PluginError


def image_hashes(cell: Cell, pairs: Iterable[str]) -> dict[str, str]:
    """Return the first `SHORT_HASH` digits of the SHA-256 of each stored image, by pair id."""
    files = {pair: cell.image(pair) for pair in pairs}
    hashes = file_hashes(cell.path / "images", files.values())
    return {pair: hashes[path][:SHORT_HASH] for pair, path in files.items()}


def changed_images(cell: Cell, record: Mapping[str, Any] | None) -> list[str]:
    """Return the ids of the stored images whose hash differs from the one in the record."""
    kept = (record or {}).get("hashes")
    if not isinstance(kept, dict):  # a record written before hashes were kept
        return []
    here = image_hashes(cell, sorted(kept.keys() & cell.stored()))
    return [pair for pair, digest in here.items() if digest != kept[pair]]


def check_images(cell: Cell, record: Mapping[str, Any] | None) -> None:
    """Raise PluginError if an image of the cell changed after it had been scored."""
    if changed := changed_images(cell, record):
        raise PluginError(_sentence(cell, changed))


def check_records(records: Iterable[Mapping[str, Any]]) -> None:
    """Raise OutputError for the first record whose images changed; each record names its folder under ``path``."""
    for record in records:
        cell = Cell(Path(record["path"]))
        if changed := changed_images(cell, record):
            raise OutputError(_sentence(cell, changed))


def _sentence(cell: Cell, changed: list[str]) -> str:
    more = f" and {len(changed) - 1} more images" if len(changed) > 1 else ""
    return (
        f"{cell.image(changed[0])}{more} changed after the scores were made: run again with --fresh, or put the "
        "original back."
    )
