"""The images of one pair: both sources and the fused image of every method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fusionbench.data.color import luma
from fusionbench.data.images import eight_bit, read_image
from fusionbench.data.noise.adding import load_noisy_pair
from fusionbench.data.noise.setting import noise_from
from fusionbench.errors import ImageError
from fusionbench.tables.board import Board
from fusionbench.tables.model import one_line
from fusionbench.tables.source_pairs import stored_image
from fusionbench.types import Pair

if TYPE_CHECKING:
    from numpy import ndarray


class Tile(NamedTuple):
    """One tile: uint8 [H, W] or [H, W, 3] as stored (16-bit sources reduced to 8 bits), None if it is missing."""

    label: str
    pixels: ndarray | None


def fused(board: Board, image: str, rows: Sequence[int] | None = None) -> list[Tile]:
    """Return the stored fused images of an id, in the order of the rows. Raises ImageError if their sizes differ."""
    chosen = range(len(board.runs)) if rows is None else rows
    tiles = [_stored(board, row, image) for row in chosen]
    _same_size(image, tiles)
    return tiles


def _stored(board: Board, row: int, image: str) -> Tile:
    path = stored_image(board.runs[row], image)
    return Tile(one_line(board.table.rows[row].label), eight_bit(read_image(path)) if path else None)


def source_pictures(board: Board, pair: Pair | None) -> list[Tile]:
    """Return both sources, labelled by their kinds, then those with the noise of the runs; none without a pair."""
    if pair is None:
        return []
    data = board.records[0]["dataset"]
    # only the first letter: str.capitalize would turn SAR into "Sar"
    kinds = {source: data[source][:1].upper() + one_line(data[source])[1:] for source in "ab"}
    clean = [Tile(kinds[source], eight_bit(read_image(getattr(pair, source)))) for source in "ab"]
    return [*clean, *_noisy_pictures(board, pair, kinds)]


def _noisy_pictures(board: Board, pair: Pair, kinds: Mapping[str, str]) -> Iterator[Tile]:
    """Yield each source with each noise of the runs, once."""
    identities = [record["identity"] for record in board.records]
    drawn = dict.fromkeys((noise_from(identity), identity["seed"]) for identity in identities)
    for noise, seed in drawn:
        if noise is not None:
            images = load_noisy_pair(pair, noise, seed)
            for source, added in noise.by_source():
                levels = (getattr(images, source) * 255 + 0.5).astype("uint8")
                yield Tile(f"{kinds[source]} @{added}", levels)


def _same_size(image: str, tiles: Sequence[Tile]) -> None:
    sizes = {tile.label: tile.pixels.shape[:2] for tile in tiles if tile.pixels is not None}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{label} {w}x{h}" for label, (h, w) in sizes.items())
        raise ImageError(f"The fused images of '{image}' differ in size ({told}): fuse that pair again.")


def lumas(tiles: Sequence[Tile]) -> ndarray | None:
    """Return the luma [images, H, W], 0..255, of the tiles that are not missing; None if all are."""
    import numpy as np

    images = [tile.pixels for tile in tiles if tile.pixels is not None]
    planes = [p if p.ndim == 2 else luma(*(p[..., i].astype(np.float64) for i in range(3))) for p in images]
    return np.stack(planes) if planes else None
