"""Images of pairs as a grid of tiles of one width, with enlarged boxes below each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fusionbench.figures.drawing import LINE, Drawing, fit, image_axes, inch_axes, wrap, write_caption
from fusionbench.figures.images.pictures import Tile
from fusionbench.figures.legend import ColorKey, draw_legend, legend_lines
from fusionbench.figures.options import CropBox, Options
from fusionbench.figures.style import PALETTE, SMALL

TILE = 1.25  # smallest width of a tile in inches, if the figure is as wide
# inches: column of ids, gap of tiles, line above a tile, gap of pairs
LEFT, GAP, NAME, BETWEEN = 0.17, 0.04, 0.13, 0.08
FRAMES = (PALETTE[1], PALETTE[5], PALETTE[4], PALETTE[3])  # visible on dark and bright images


@dataclass(frozen=True)
class Block:
    """All tiles of one pair, and the boxes on them, which are enlarged below each tile."""

    image: str
    tiles: tuple[Tile, ...]
    boxes: tuple[CropBox, ...]
    size: tuple[int, int]  # height, width


@dataclass(frozen=True)
class TileGrid:
    """A layout of ``columns`` tiles in a row, each ``tile`` inches wide; all its methods return inches."""

    columns: int
    tile: float

    def strip(self, block: Block) -> float:
        """Return the height of the enlarged boxes below a tile: that of the flattest box."""
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


def draw_grid(
    blocks: Sequence[Block], sentences: Iterable[str], options: Options, key: Sequence[ColorKey] = ()
) -> Drawing:
    """Draw blocks below each other, then the legend of colors, and the sentences as the caption."""
    from matplotlib.figure import Figure

    grid = _grid(max(len(block.tiles) for block in blocks), options.width)
    caption = " ".join(sentences)
    lines = wrap(caption, options.width - 0.1, SMALL) if options.caption else []
    keys = legend_lines(key, options.width)
    under_keys = len(keys) * LINE + (0.04 if keys else 0.0)
    height = sum(map(grid.height, blocks)) + under_keys + len(lines) * LINE + 0.03
    figure = Figure(figsize=(options.width, height))
    paper, top = inch_axes(figure), 0.02
    for block in blocks:
        _draw_block(figure, paper, block, grid, top, options.crisp)
        top += grid.height(block)
    draw_legend(paper, keys, top - 0.02)
    write_caption(paper, lines, top - 0.02 + under_keys)
    return Drawing(figure, caption)


def _grid(tiles: int, width: float) -> TileGrid:
    """Return the grid with the fewest rows of tiles that are wide enough, and the fewest columns for these rows."""
    columns = max(1, min(tiles, int((width - LEFT) // TILE)))
    columns = -(-tiles // -(-tiles // columns))
    return TileGrid(columns, (width - LEFT - 0.03 - (columns - 1) * GAP) / columns)


def _draw_block(figure: Any, paper: Any, block: Block, grid: TileGrid, top: float, crisp: bool) -> None:
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
    figure: Any, pixels: Any, block: Block, grid: TileGrid, place: tuple[float, float], crisp: bool
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


def _cut(box: CropBox, shape: float) -> tuple[int, float, int, float]:
    """Return the central part of a box, (x, y, w, h), with the given shape (height over width)."""
    h = min(box.h, box.w * shape)
    return box.x, box.y + (box.h - h) / 2, box.w, h


def _show(axes: Any, pixels: Any, view: tuple[int, float, int, float], interpolation: str) -> None:
    """Show the part (x, y, w, h) of an image whose pixel (0, 0) covers 0..1 in both directions."""
    x, y, w, h = view
    top, bottom = math.floor(y), math.ceil(y + h)
    part = pixels[top:bottom, x : x + w]  # pixels outside the view would still be stored in the file
    axes.imshow(
        part, cmap="gray", vmin=0, vmax=255, extent=(x, x + w, bottom, top), interpolation=interpolation, aspect="auto"
    )  # fmt: skip
    axes.set(xlim=(x, x + w), ylim=(y + h, y))
