"""Choice of the images on a page: the best, worst and most disputed ones, then some spread over the split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from fusionbench.statistics.disputes import highest, known_mean, score_spread
from fusionbench.tables.board import Board

if TYPE_CHECKING:
    from numpy import ndarray

TAGS = ("best", "worst", "disputed")


class ChosenImage(NamedTuple):
    """An image and why it is shown; without tags it is one of those spread evenly over the split."""

    id: str
    tags: tuple[str, ...] = ()


def choose_images(board: Board, wanted: int, preferred: Sequence[str] = ()) -> list[ChosenImage]:
    """Return up to ``wanted`` images, most important first, since a page that gets too large drops the last ones.

    Best and worst are the images with the highest and lowest mean of standardized scores over metrics and methods other
    than trivial baselines; the most disputed ones have the largest spread of the methods' scores (`score_spread`). The
    others are spread evenly over the ``preferred`` images, then over all.
    """
    if wanted < 1:
        return []
    tops = _tops(board, min(3, max(1, wanted // 5)))
    turns = (i for turn in zip_longest(*tops) for i in turn if i is not None)
    first = dict.fromkeys(board.images[i] for i in turns)
    ids = list(first)
    for images in (preferred, board.images):
        rest = [image for image in images if image not in ids]
        ids = [*ids, *_spread(rest, wanted - len(ids))][:wanted]
    tags: dict[str, list[str]] = {}
    for tag, places in zip(TAGS, tops, strict=True):
        for i in places:
            tags.setdefault(board.images[i], []).append(tag)
    return [ChosenImage(image, tuple(tags.get(image, ()))) for image in ids]


def _tops(board: Board, count: int) -> list[list[int]]:
    """Return the indices of the best, worst and most disputed images; a list is empty if its scores are not known."""
    level, count = image_levels(board), min(count, len(board.images) // 3)
    best, worst = highest(level, count), highest(-level, count)
    ends = ([], []) if set(best) & set(worst) else (best, worst)
    return [*ends, highest(score_spread(board), count)]


def image_levels(board: Board) -> ndarray:
    """Return each image's mean standardized score, [images], in standard deviations; positive is better than average."""
    import numpy as np

    learned = [row for row, entry in enumerate(board.table.rows) if entry.kind != "trivial"]
    shown = learned or list(range(len(board.table.rows)))
    parts = [_standardized(board.values(c.metric)[shown], c.better) for c in board.columns]
    return known_mean(np.concatenate(parts)) if parts else np.full(len(board.images), np.nan)


def _standardized(values: ndarray, better: str) -> ndarray:
    import numpy as np

    sign = 1.0 if better == "higher" else -1.0
    centered = values - known_mean(values.T)[:, None]
    spread = np.sqrt(known_mean((centered**2).T))[:, None]
    return sign * np.divide(centered, spread, out=np.full_like(centered, np.nan), where=spread > 0)


def _spread(images: Sequence[str], count: int) -> Iterable[str]:
    """Return up to ``count`` images at equal distances."""
    if count >= len(images):
        return images
    return [images[(2 * i + 1) * len(images) // (2 * count)] for i in range(max(count, 0))]
