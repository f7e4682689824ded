"""Which images a page shows: the best, the worst and the most disputed ones, then some spread over the split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fusionbench.report.board import Board

if TYPE_CHECKING:
    from numpy import ndarray

TAGS = ("best", "worst", "disputed")


class Chosen(NamedTuple):
    """An image and why it is shown; without tags it is one of those spread over the split."""

    id: str
    tags: tuple[str, ...] = ()


def choose(board: Board, wanted: int) -> list[Chosen]:
    """Return up to ``wanted`` images, in the order in which a page that runs out of room should keep them.

    Best and worst are by the mean over metrics and methods of the standardized scores, trivial baselines left
    out; most disputed is where the metrics agree least on the order of the methods (Kendall's W).
    """
    if wanted < 1:
        return []
    tops = _tops(board, min(3, max(1, wanted // 5)))
    first = dict.fromkeys(board.images[i] for places in zip(*tops, strict=True) for i in places)
    rest = [image for image in board.images if image not in first]
    ids = [*first, *_spread(rest, wanted - len(first))][:wanted]
    tags: dict[str, list[str]] = {}
    for tag, places in zip(TAGS, tops, strict=True):
        for i in places:
            tags.setdefault(board.images[i], []).append(tag)
    return [Chosen(image, tuple(tags.get(image, ()))) for image in ids]


def _tops(board: Board, count: int) -> list[list[int]]:
    """The places of the best, the worst and the most disputed images; none of a kind that cannot be told."""
    import numpy as np

    level, agreement = image_levels(board), image_agreement(board)
    count = min(count, len(board.images) // 3)
    best, worst, disputed = (
        [int(i) for i in np.argsort(order, kind="stable") if np.isfinite(order[i])][:count]
        for order in (-level, level, agreement)
    )
    best, worst = (best, worst) if not set(best) & set(worst) else ([], [])
    shortest = min(len(places) for places in (best, worst, disputed))
    return [places[:shortest] for places in (best, worst, disputed)]


def image_levels(board: Board) -> ndarray:
    """Return for each image how well it is scored compared with the others, in standard deviations."""
    import numpy as np

    learned = [row for row, entry in enumerate(board.table.rows) if entry.kind != "trivial"]
    shown = learned or list(range(len(board.table.rows)))
    parts = [_standardized(board.values(c.metric)[shown], c.better) for c in board.table.columns]
    return _mean(np.concatenate(parts)) if parts else np.full(len(board.images), np.nan)


def _standardized(values: ndarray, better: str) -> ndarray:
    import numpy as np

    sign = 1.0 if better == "higher" else -1.0
    centered = values - _mean(values.T)[:, None]
    spread = np.sqrt(_mean((centered**2).T))[:, None]
    return sign * np.divide(centered, spread, out=np.full_like(centered, np.nan), where=spread > 0)


def image_agreement(board: Board) -> ndarray:
    """Return for each image how far the metrics agree on the order of the methods: 0 not at all, 1 fully."""
    import numpy as np
    from scipy.stats import rankdata

    signed = [board.values(c.metric) * (-1.0 if c.better == "higher" else 1.0) for c in board.table.columns]
    if len(signed) < 2 or len(board.table.rows) < 2:
        return np.full(len(board.images), np.nan)
    ranks = np.stack([rankdata(values, axis=0, nan_policy="omit") for values in signed])
    methods, images = ranks.shape[1:]
    mean = _mean(ranks.reshape(len(signed), -1)).reshape(methods, images)
    return _mean((mean - _mean(mean)) ** 2) * 12 / (methods**2 - 1)


def _mean(values: ndarray) -> ndarray:
    """The mean over the first axis of what is not NaN; NaN where nothing is."""
    import numpy as np

    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _spread(images: Sequence[str], count: int) -> Iterable[str]:
    """Up to ``count`` images at equal distances."""
    if count >= len(images):
        return images
    return [images[(2 * i + 1) * len(images) // (2 * count)] for i in range(max(count, 0))]
