"""Finding the images on which methods differ most, for pages and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionbench.tables.board import Board

if TYPE_CHECKING:
    from numpy import ndarray


def contenders(board: Board) -> list[int]:
    """Return the indices of rows other than trivial baselines that could run, or of all rows if these are fewer than two."""
    rows = enumerate(board.table.rows)
    chosen = [i for i, row in rows if row.kind != "trivial" and row.status != "unavailable"]
    return chosen if len(chosen) > 1 else list(range(len(board.table.rows)))


def score_spread(board: Board) -> ndarray:
    """Return the spread of the contenders' scores on each image, float64 [images].

    It is the variance over methods of each metric in units of its standard deviation, averaged over metrics. NaN where
    no metric has scores of two methods; all NaN if no metric varies.
    """
    import numpy as np

    by_metric = [board.values(column.metric)[contenders(board)] for column in board.columns]
    scaled = [parts for values in by_metric if (parts := _scaled(values)) is not None]
    if not scaled:
        return np.full(len(board.images), np.nan)
    return known_mean(np.stack([_variance(values) for values in scaled]))


def highest(values: ndarray, count: int) -> list[int]:
    """Return the indices of the ``count`` highest values in descending order, without those of NaN."""
    import numpy as np

    order = np.argsort(-values, kind="stable")
    return [int(i) for i in order[:count] if np.isfinite(values[i])]


def _scaled(values: ndarray) -> ndarray | None:
    import numpy as np

    known = values[np.isfinite(values)]
    scale = known.std() if known.size else 0.0
    return values / scale if scale > 0 else None


def _variance(values: ndarray) -> ndarray:
    """Return the variance over the first axis, ignoring NaN; NaN for fewer than two values."""
    import numpy as np

    variance = known_mean((values - known_mean(values)) ** 2)
    variance[np.isfinite(values).sum(axis=0) < 2] = np.nan
    return variance


def known_mean(values: ndarray) -> ndarray:
    """Return the mean over the first axis, ignoring NaN; NaN without any value."""
    import numpy as np

    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
