"""Sources and fused images side by side, with boxes shown larger below each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fusionbench.data.pairs import natural
from fusionbench.errors import DataNotFoundError, RequestError, UnknownNameError
from fusionbench.figures.disagreement import disputed_boxes, disputed_images
from fusionbench.figures.drawing import LINE, Drawing, fit, image_axes, inch_axes, wrap, write_caption
from fusionbench.figures.options import Box, Options, one_board, setting
from fusionbench.figures.pictures import Picture, fused, lumas, source_pictures
from fusionbench.figures.style import PALETTE, SMALL
from fusionbench.statistics.disputes import contenders
from fusionbench.tables.board import Board
from fusionbench.tables.images import find_sources, stored_image
from fusionbench.tables.model import one_line

IMAGES, ZOOMS = 2, 2  # where none are asked for
TILE = 1.25  # inches that a tile is wide at least, where the figure is
LEFT, GAP, NAME, BETWEEN = 0.17, 0.04, 0.13, 0.08  # inches: ids, between tiles, above a tile, between images
FRAMES = (PALETTE[1], PALETTE[5], PALETTE[4], PALETTE[3])  # seen on dark and bright images alike


@dataclass(frozen=True)
class Block:
    """All tiles of one pair and the boxes on them."""

    image: str
    tiles: tuple[Picture, ...]
    boxes: tuple[Box, ...]
    size: tuple[int, int]  # height, width


@dataclass(frozen=True)
class Grid:
    """``columns`` tiles of ``tile`` inches in a row."""

    columns: int
    tile: float

    def strip(self, block: Block) -> float:
        """Inches of the enlarged boxes below a tile; all have the height of the flattest."""
        width = self.box_width(block)
        return min((width * box.h / box.w for box in block.boxes), default=0.0)

    def box_width(self, block: Block) -> float:
        count = max(1, len(block.boxes))
        return (self.tile - (count - 1) * GAP / 2) / count

    def row_height(self, block: Block) -> float:
        height, width = block.size
        strip = self.strip(block) + GAP / 2 if block.boxes else 0.0
        return NAME + self.tile * height / width + strip + GAP

    def height(self, block: Block) -> float:
        return -(-len(block.tiles) // self.columns) * self.row_height(block) + BETWEEN


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw the images that are asked for, or the most disputed. Raises UnknownNameError on another id.

    A method without any of these images is left out and named in the caption.
    """
    from matplotlib.figure import Figure

    board = one_board(boards, "qualitative")
    sources = find_sources(board, options.data_root)
    chosen = _chosen(board, options)
    rows = [i for i, run in enumerate(board.runs) if any(stored_image(run, image) for image in chosen)]
    blocks = [_block(board, rows, image, sources.pairs, options) for image in chosen]
    grid = _grid(max(len(block.tiles) for block in blocks), options.width)
    caption = " ".join(_sentences(board, rows, blocks, options, sources.note))
    lines = wrap(caption, options.width - 0.1, SMALL) if options.caption else []
    height = sum(map(grid.height, blocks)) + len(lines) * LINE + 0.03
    figure = Figure(figsize=(options.width, height))
    paper, top = inch_axes(figure), 0.02
    for block in blocks:
        _draw_block(figure, paper, block, grid, top, options.crisp)
        top += grid.height(block)
    write_caption(paper, lines, top - 0.02)
    return Drawing(figure, caption)


def _chosen(board: Board, options: Options) -> list[str]:
    for image in options.images:
        if image not in board.images:
            raise UnknownNameError(f"image of {board.table.heading}", image, board.images)
    if options.images:
        return list(dict.fromkeys(options.images))
    rows = contenders(board)
    return sorted(disputed_images(board, IMAGES, lambda image: lumas(fused(board, image, rows))), key=natural)


def _block(board: Board, rows: Sequence[int], image: str, pairs: Any, options: Options) -> Block:
    results = fused(board, image, rows)
    judges = set(contenders(board))
    found = lumas([tile for row, tile in zip(rows, results, strict=True) if row in judges])
    found = lumas(results) if found is None else found
    if found is None:
        raise DataNotFoundError(
            f"No fused image of '{image}' is stored in the runs: fuse it again with `fusionbench run`."
        )
    height, width = found.shape[1:]
    boxes = options.zooms or tuple(disputed_boxes(found, ZOOMS))
    for box in boxes:
        if box.x + box.w > width or box.y + box.h > height:
            raise RequestError(
                f"--zoom {','.join(map(str, box))} leaves image '{image}', which is {width}x{height}: keep inside it."
            )
    tiles = [*source_pictures(board, pairs.get(image)), *results]
    return Block(image, tuple(tiles), boxes, (height, width))


def _grid(tiles: int, width: float) -> Grid:
    """As many columns as are wide enough, then as few as fill the same number of rows."""
    columns = max(1, min(tiles, int((width - LEFT) // TILE)))
    columns = -(-tiles // -(-tiles // columns))
    return Grid(columns, (width - LEFT - 0.03 - (columns - 1) * GAP) / columns)


def _sentences(
    board: Board, rows: Sequence[int], blocks: Sequence[Block], options: Options, note: str
) -> list[str]:
    asked = "chosen by hand" if options.images else "where the methods differ most"
    ids = ", ".join(block.image for block in blocks)
    boxes = (
        "given"
        if options.zooms
        else "where the methods' images differ most (variance of the smoothed luma over methods)"
    )
    missing = any(tile.pixels is None for block in blocks for tile in block.tiles)
    gone = [one_line(row.label) for i, row in enumerate(board.table.rows) if i not in rows]
    return [
        (
            f"{'Image' if len(blocks) == 1 else 'Images'} {ids}, {asked}; boxes {boxes}, enlarged below. "
            "Colors as stored."
        ),
        *([note] if note else []),
        *(["A gray tile: no image is stored."] if missing else []),
        *([f"Without an image, and not shown: {', '.join(gone)}."] if gone else []),
        setting([board]),
    ]


def _draw_block(figure: Any, paper: Any, block: Block, grid: Grid, top: float, crisp: bool) -> None:
    tall = grid.row_height(block)
    paper.text(
        LEFT - 0.04, top + NAME, block.image, rotation=90, ha="right", va="top", fontsize=SMALL,
        rotation_mode="default",
    )  # fmt: skip
    for i, tile in enumerate(block.tiles):
        row, column = divmod(i, grid.columns)
        x, y = LEFT + column * (grid.tile + GAP), top + row * tall
        paper.text(
            x + grid.tile / 2,
            y + NAME - 0.035,
            fit(tile.label, grid.tile, SMALL),
            ha="center",
            fontsize=SMALL,
        )
        _draw_tile(figure, tile.pixels, block, grid, (x, y + NAME), crisp)


def _draw_tile(
    figure: Any, pixels: Any, block: Block, grid: Grid, place: tuple[float, float], crisp: bool
) -> None:
    from matplotlib.patches import Rectangle

    (x, y), (height, width) = place, block.size
    tall = grid.tile * height / width
    axes = image_axes(figure, x, y, grid.tile, tall)
    if pixels is None:
        axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, color="0.85"))
        return
    _show(axes, pixels, (0, 0, width, height), "none" if crisp else "antialiased")
    wide, strip = grid.box_width(block), grid.strip(block)
    for i, box in enumerate(block.boxes):
        color = FRAMES[i % len(FRAMES)]
        axes.add_patch(Rectangle((box.x, box.y), box.w, box.h, fill=False, edgecolor=color, linewidth=0.9))
        view = image_axes(figure, x + i * (wide + GAP / 2), y + tall + GAP / 2, wide, strip)
        _show(view, pixels, _cut(box, strip / wide), "none" if crisp else "nearest")
        view.add_patch(
            Rectangle((0, 0), 1, 1, transform=view.transAxes, fill=False, edgecolor=color, linewidth=1.6)
        )


def _cut(box: Box, shape: float) -> tuple[int, float, int, float]:
    """The middle of a box that has the shape (height over width) of its place."""
    h = min(box.h, box.w * shape)
    return box.x, box.y + (box.h - h) / 2, box.w, h


def _show(axes: Any, pixels: Any, view: tuple[int, float, int, float], interpolation: str) -> None:
    """Show a part of an image whose pixel (0, 0) covers 0 to 1 in both directions."""
    x, y, w, h = view
    top, bottom = math.floor(y), math.ceil(y + h)
    part = pixels[top:bottom, x : x + w]  # what is outside would still be in the file
    axes.imshow(
        part, cmap="gray", vmin=0, vmax=255, extent=(x, x + w, bottom, top), interpolation=interpolation, aspect="auto"
    )  # fmt: skip
    axes.set(xlim=(x, x + w), ylim=(y + h, y))
