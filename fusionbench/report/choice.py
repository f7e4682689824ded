"""Which images a page shows: the best, the worst and the most disputed ones, then some spread over the split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from fusionbench.statistics.disputes import highest, known_mean, score_spread
from fusionbench.tables.board import Board

if TYPE_CHECKING:
    from numpy import ndarray

TAGS = ("best", "worst", "disputed")


class Chosen(NamedTuple):
    """An image and why it is shown; without tags it is one of those spread over the split."""

    id: str
    tags: tuple[str, ...] = ()


def choose(board: Board, wanted: int, preferred: Sequence[str] = ()) -> list[Chosen]:
    """Return up to ``wanted`` images, in the order in which a page that runs out of room should keep them.

    Best and worst are by the mean over metrics and methods of the standardized scores, trivial baselines left
    out; most disputed is where the methods' scores lie farthest apart (`score_spread`). The rest is spread over the
    ``preferred`` images, and over all where these do not suffice.
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
    return [Chosen(image, tuple(tags.get(image, ()))) for image in ids]


def _tops(board: Board, count: int) -> list[list[int]]:
    """The places of the best, the worst and the most disputed images; none of a kind that cannot be told."""
    level, count = image_levels(board), min(count, len(board.images) // 3)
    best, worst = highest(level, count), highest(-level, count)
    ends = ([], []) if set(best) & set(worst) else (best, worst)
    return [*ends, highest(score_spread(board), count)]


def image_levels(board: Board) -> ndarray:
    """Return for each image how well it is scored compared with the others, in standard deviations."""
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
    """Up to ``count`` images at equal distances."""
    if count >= len(images):
        return images
    return [images[(2 * i + 1) * len(images) // (2 * count)] for i in range(max(count, 0))]
