"""Sources and fused images side by side, with enlarged boxes below each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fusionbench.data.pairs import natural_key
from fusionbench.errors import DataNotFoundError, RequestError, UnknownNameError
from fusionbench.figures.drawing import Drawing
from fusionbench.figures.images.disagreement import disputed_boxes, disputed_images
from fusionbench.figures.images.pictures import fused, lumas, source_pictures
from fusionbench.figures.images.predictions import Predictions, annotated, find_predictions, overlaid
from fusionbench.figures.images.tiles import Block, draw_grid
from fusionbench.figures.options import CropBox, Options, one_board, setting
from fusionbench.statistics.disputes import contenders
from fusionbench.tables.board import Board
from fusionbench.tables.model import one_line
from fusionbench.tables.source_pairs import find_sources, stored_image
from fusionbench.types import Pair

IMAGES, ZOOMS = 2, 2  # default numbers of pairs and boxes


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw the requested images, or those on which the methods differ most. Raises UnknownNameError for an unknown id.

    A method without any of these images is left out and named in the caption.
    """
    board = one_board(boards, "qualitative")
    sources = find_sources(board, options.data_root)
    predictions = find_predictions(board, options.downstream) if options.downstream else None
    chosen = _chosen(replace(board, images=predictions.images) if predictions else board, options)
    rows = [i for i, run in enumerate(board.runs) if any(stored_image(run, image) for image in chosen)]
    if predictions is None:
        blocks = [_block(board, rows, image, sources.pairs, options) for image in chosen]
        return draw_grid(blocks, _sentences(board, rows, blocks, options, sources.note), options)
    rows = [i for i in rows if predictions.results[i]]
    blocks = [
        _predicted(board, rows, image, sources.pairs.get(image), options, predictions) for image in chosen
    ]
    sentences = _sentences(board, rows, blocks, options, sources.note, predictions)
    return draw_grid(blocks, sentences, options, predictions.key)


def _chosen(board: Board, options: Options) -> list[str]:
    for image in options.images:
        if image not in board.images:
            raise UnknownNameError(f"image of {board.table.heading}", image, board.images)
    if options.images:
        return list(dict.fromkeys(options.images))
    rows = contenders(board)
    return sorted(
        disputed_images(board, IMAGES, lambda image: lumas(fused(board, image, rows))), key=natural_key
    )


def _block(board: Board, rows: Sequence[int], image: str, pairs: Any, options: Options) -> Block:
    results = fused(board, image, rows)
    judges = set(contenders(board))
    planes = lumas([tile for row, tile in zip(rows, results, strict=True) if row in judges])
    planes = lumas(results) if planes is None else planes
    if planes is None:
        raise DataNotFoundError(
            f"No fused image of '{image}' is stored in the runs: fuse it again with `fusionbench run`."
        )
    height, width = planes.shape[1:]
    # one image differs from no other
    boxes = options.zooms or (tuple(disputed_boxes(planes, ZOOMS)) if len(planes) > 1 else ())
    _check_inside(boxes, image, height, width)
    tiles = [*source_pictures(board, pairs.get(image)), *results]
    return Block(image, tuple(tiles), boxes, (height, width))


def _predicted(
    board: Board,
    rows: Sequence[int],
    image: str,
    pair: Pair | None,
    options: Options,
    predictions: Predictions,
) -> Block:
    """Return the tiles of a pair with annotations and predictions drawn in; enlarged boxes only on request."""
    results = overlaid(board, predictions, image, rows)
    sizes = [tile.pixels.shape[:2] for tile in results if tile.pixels is not None]
    if not sizes:
        raise DataNotFoundError(
            f"No image of '{image}' with predictions is stored: run `fusionbench downstream` again."
        )
    _check_inside(options.zooms, image, *sizes[0])
    tiles = [*source_pictures(board, pair), *annotated(board, predictions, pair), *results]
    return Block(image, tuple(tiles), options.zooms, sizes[0])


def _check_inside(boxes: Sequence[CropBox], image: str, height: int, width: int) -> None:
    for box in boxes:
        if box.x + box.w > width or box.y + box.h > height:
            raise RequestError(
                f"--zoom {','.join(map(str, box))} leaves image '{image}', which is {width}x{height}: keep inside it."
            )


def _sentences(
    board: Board, rows: Sequence[int], blocks: Sequence[Block], options: Options, note: str,
    predictions: Predictions | None = None,
) -> list[str]:  # fmt: skip
    known = "where the methods differ most" if len(board.table.rows) > 1 else "the first of the data set"
    asked = "chosen by hand" if options.images else known
    ids = ", ".join(block.image for block in blocks)
    boxes = (
        "given"
        if options.zooms
        else "where several methods' images differ most and something is to be seen (distance of the smoothed luma from the "
        "median, the farthest method not counted)"
    )
    missing = any(tile.pixels is None for block in blocks for tile in block.tiles)
    gone = [one_line(row.label) for i, row in enumerate(board.table.rows) if i not in rows]
    enlarged = f"; boxes {boxes}, enlarged below" if any(block.boxes for block in blocks) else ""
    lacking = "a prediction" if predictions else "an image"
    return [
        f"{'Image' if len(blocks) == 1 else 'Images'} {ids}, {asked}{enlarged}. Colors as stored.",
        *([predictions.sentence] if predictions else []),
        *([note] if note else []),
        *(["A gray tile: no image is stored."] if missing else []),
        *([f"Without {lacking}, and not shown: {', '.join(gone)}."] if gone else []),
        setting([board]),
    ]
