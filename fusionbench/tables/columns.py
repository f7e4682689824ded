"""Scores that are kept column by column: the same index as of rows, without an object for each score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy import ndarray

from fusionbench.metrics.tasks import PROFILE
from fusionbench.tables.cells import ArrayScores, Score, Scores, add_row, merged, score_of


class Columns(Protocol):
    """The scores of one cell, as `fusionbench.cells.columns.ScoreColumns` has them."""

    texts: tuple[str, ...]
    values: ndarray
    code: dict[str, int]

    def column(self, name: str) -> ndarray: ...
    def where(self, **texts: Sequence[str]) -> ndarray: ...


@runtime_checkable
class ColumnarScores(Protocol):
    """The scores of records, a `Columns` for each, and the rows of their downstream tasks."""

    records: Sequence[Mapping[str, Any]]

    @property
    def parts(self) -> Sequence[Columns]: ...
    @property
    def tasks(self) -> Sequence[tuple[Any, ...]]: ...


class ImageScores(ArrayScores):
    """The scores of one run, metric and version by image; ``lines`` are their places in the cell's columns."""

    def __init__(self, columns: Columns, lines: ndarray) -> None:
        images = columns.column("image")[lines]
        order = np.argsort(images)
        self._columns, self._lines, self._images = columns, lines[order], images[order]

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return (self._columns.texts[code] for code in self._images)

    def __getitem__(self, image: str) -> Score:
        (place,) = self._places([image])
        if place < 0:
            raise KeyError(image)
        columns, line = self._columns, self._lines[place]
        status, detail = (columns.texts[columns.column(name)[line]] for name in ("status", "detail"))
        return score_of(status, float(columns.values[line]), detail)

    def values_of(self, images: Sequence[str]) -> ndarray:
        places = self._places(images)
        return np.where(places < 0, np.nan, self._columns.values[self._lines[places]])

    def _places(self, images: Sequence[str]) -> ndarray:
        """Return int64 [images]: where each one is among ours, -1 for those that are not."""
        known = self._columns.code
        codes = np.array([known.get(image, -1) for image in images], dtype=np.int64)
        places = np.searchsorted(self._images, codes).clip(max=len(self._images) - 1)
        return np.where(self._images[places] == codes, places, -1)


def index_columns(scores: ColumnarScores, profile: str) -> dict[tuple[str, str, str], Scores]:
    """Do as `index_scores`."""
    index: dict[tuple[str, str, str], Scores] = {}
    for record, columns in zip(scores.records, scores.parts, strict=True):
        where = record["dataset"]["name"], record["dataset"]["split"]
        for (run, metric, version), lines in _groups(columns, profile):
            versions = index.setdefault((*where, run), {}).setdefault(metric, {})
            images, earlier = ImageScores(columns, lines), versions.get(version)
            versions[version] = images if earlier is None else merged(earlier, images)
    for row in scores.tasks:
        add_row(index, row)
    return index


def _groups(columns: Columns, profile: str) -> Iterator[tuple[tuple[str, str, str], ndarray]]:
    """Yield the lines of each run, metric and version; a line of all profiles is a group beside that of this one."""
    for name in (profile, PROFILE):
        lines = np.flatnonzero(columns.where(profile=[name]))
        keys = np.stack([columns.column(key)[lines] for key in ("run", "metric", "version")])
        order = np.lexsort(keys)
        starts = np.flatnonzero((np.diff(keys[:, order], axis=1) != 0).any(axis=0)) + 1
        for group in np.split(order, starts):
            if len(group):
                run, metric, version = (columns.texts[code] for code in keys[:, group[0]])
                yield (run, metric, version), lines[group]
