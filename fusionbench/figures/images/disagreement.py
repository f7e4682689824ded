"""Where fused images of one pair differ, and which pairs are disputed most."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fusionbench.figures.options import Box
from fusionbench.statistics.disputes import highest, score_spread
from fusionbench.tables.board import Board

if TYPE_CHECKING:
    from numpy import ndarray

SMOOTH = 5  # pixels: noise and the placing of an edge by a pixel are no disagreement
SEEN = 4  # gray levels
PART = 5  # a box has a fifth of the image's sides


def box_mean(planes: ndarray, h: int, w: int) -> ndarray:
    """Return the means of all windows of h x w pixels of [..., H, W], [..., H - h + 1, W - w + 1] in float64."""
    import numpy as np

    edges = [(0, 0)] * (planes.ndim - 2) + [(1, 0), (1, 0)]
    total = np.pad(planes.astype(np.float64), edges).cumsum(-1).cumsum(-2)
    sums = total[..., h:, w:] - total[..., :-h, w:] - total[..., h:, :-w] + total[..., :-h, :-w]
    return sums / (h * w)


def disagreement(lumas: ndarray) -> ndarray:
    """Return how far the box-filtered lumas of [methods, H, W] are apart; the map has the images' size.

    The mean square distance from their median. Of three methods or more the one farthest from it does not count at a
    pixel, since a single row that differs everywhere would place all boxes.
    """
    import numpy as np

    side = min(SMOOTH, *lumas.shape[1:])
    before = side // 2
    padded = np.pad(lumas, [(0, 0), *[(before, side - 1 - before)] * 2], mode="edge")
    smooth = box_mean(padded, side, side)
    distances = np.sort((smooth - np.median(smooth, axis=0)) ** 2, axis=0)
    return distances[:-1].mean(axis=0) if len(lumas) > 2 else distances.mean(axis=0)


def visibility(lumas: ndarray, h: int, w: int) -> ndarray:
    """Return, for all windows of h x w pixels, in [0, 1] how much can be seen in them: the mean contrast of the methods.

    A standard deviation of `SEEN` gray levels and more is 1.
    """
    import numpy as np

    lumas = lumas.astype(np.float64)
    variance = box_mean(lumas**2, h, w) - box_mean(lumas, h, w) ** 2
    return np.sqrt(np.clip(variance, 0, None)).mean(axis=0).clip(0, SEEN) / SEEN


def disputed_boxes(lumas: ndarray, count: int) -> list[Box]:
    """Return up to ``count`` boxes that do not overlap, those of the highest mean disagreement first."""
    import numpy as np

    height, width = lumas.shape[1:]
    h, w = max(1, height // PART), max(1, width // PART)
    apart, seen = box_mean(disagreement(lumas), h, w), visibility(lumas, h, w)
    means = apart * seen if (apart * seen).any() else apart
    boxes: list[Box] = []
    while len(boxes) < count and np.isfinite(means).any():
        y, x = (int(i) for i in np.unravel_index(np.argmax(means), means.shape))
        boxes.append(Box(x, y, w, h))
        means[max(0, y - h + 1) : y + h, max(0, x - w + 1) : x + w] = -np.inf
    return boxes


def disputed_images(board: Board, count: int, lumas: Callable[[str], ndarray | None]) -> list[str]:
    """Return the ids of the pairs on which the methods differ most: in their scores, else in their pixels.

    ``lumas`` gives [methods, H, W] of an id, None where images are missing; it is asked only where no scores tell. The
    first pairs where nothing does.
    """
    import numpy as np

    spread = score_spread(board)
    if not np.isfinite(spread).any():
        spread = np.array([_pixel_spread(lumas(image)) for image in board.images])
    places = highest(spread, count) or range(len(board.images))[:count]
    return [board.images[i] for i in sorted(places)]


def _pixel_spread(lumas: ndarray | None) -> float:
    return float("nan") if lumas is None or len(lumas) < 2 else float(disagreement(lumas).mean())
