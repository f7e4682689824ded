"""Choice of pairs and boxes for figures: those on which the fused images of the methods differ most."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fusionbench.figures.options import CropBox
from fusionbench.statistics.disputes import highest, score_spread
from fusionbench.tables.board import Board

if TYPE_CHECKING:
    from numpy import ndarray

SMOOTH = 5  # side of the box filter, pixels: noise and edges shifted by a pixel must not count
SEEN = 4  # gray levels of standard deviation from which on structure counts as visible
PART = 5  # a box has a fifth of the image's sides


def box_mean(planes: ndarray, h: int, w: int) -> ndarray:
    """Return the means of all h x w windows of ``planes`` [..., H, W], as float64 [..., H - h + 1, W - w + 1]."""
    import numpy as np

    edges = [(0, 0)] * (planes.ndim - 2) + [(1, 0), (1, 0)]
    total = np.pad(planes.astype(np.float64), edges).cumsum(-1).cumsum(-2)
    sums = total[..., h:, w:] - total[..., :-h, w:] - total[..., h:, :-w] + total[..., :-h, :-w]
    return sums / (h * w)


def disagreement(lumas: ndarray) -> ndarray:
    """Return how far the box-filtered lumas [methods, H, W] are apart at each pixel, [H, W].

    This is their mean squared distance from their median. Of three or more methods the farthest one is ignored at each
    pixel, because a single method that differs everywhere would otherwise decide on all boxes.
    """
    import numpy as np

    side = min(SMOOTH, *lumas.shape[1:])
    before = side // 2
    padded = np.pad(lumas, [(0, 0), *[(before, side - 1 - before)] * 2], mode="edge")
    smooth = box_mean(padded, side, side)
    distances = np.sort((smooth - np.median(smooth, axis=0)) ** 2, axis=0)
    return distances[:-1].mean(axis=0) if len(lumas) > 2 else distances.mean(axis=0)


def visibility(lumas: ndarray, h: int, w: int) -> ndarray:
    """Return how much structure is visible in each h x w window of ``lumas`` [methods, H, W], in [0, 1].

    This is the standard deviation, averaged over the methods and divided by `SEEN` gray levels; 1 from there on.
    """
    import numpy as np

    lumas = lumas.astype(np.float64)
    variance = box_mean(lumas**2, h, w) - box_mean(lumas, h, w) ** 2
    return np.sqrt(np.clip(variance, 0, None)).mean(axis=0).clip(0, SEEN) / SEEN


def disputed_boxes(lumas: ndarray, count: int) -> list[CropBox]:
    """Return up to ``count`` boxes that do not overlap, in falling order of mean disagreement times visibility."""
    import numpy as np

    height, width = lumas.shape[1:]
    h, w = max(1, height // PART), max(1, width // PART)
    apart, seen = box_mean(disagreement(lumas), h, w), visibility(lumas, h, w)
    means = apart * seen if (apart * seen).any() else apart
    boxes: list[CropBox] = []
    while len(boxes) < count and np.isfinite(means).any():
        y, x = (int(i) for i in np.unravel_index(np.argmax(means), means.shape))
        boxes.append(CropBox(x, y, w, h))
        means[max(0, y - h + 1) : y + h, max(0, x - w + 1) : x + w] = -np.inf
    return boxes


def disputed_images(board: Board, count: int, lumas: Callable[[str], ndarray | None]) -> list[str]:
    """Return the ids of the pairs on which the methods differ most, in scores or, without scores, in pixels.

    ``lumas`` returns [methods, H, W] for an id, or None if images are missing; it is called only without scores. If
    neither is known, the first pairs are returned.
    """
    import numpy as np

    spread = score_spread(board)
    if not np.isfinite(spread).any():
        spread = np.array([_pixel_spread(lumas(image)) for image in board.images])
    places = highest(spread, count) or range(len(board.images))[:count]
    return [board.images[i] for i in sorted(places)]


def _pixel_spread(lumas: ndarray | None) -> float:
    return float("nan") if lumas is None or len(lumas) < 2 else float(disagreement(lumas).mean())
