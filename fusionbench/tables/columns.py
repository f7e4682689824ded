"""Scores stored as arrays, in the same index as rows but without one object per score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy import ndarray

from fusionbench.metrics.tasks import PROFILE
from fusionbench.tables.cells import ArrayScores, ImageScore, Scores, add_row, merged_scores, score_of


class Columns(Protocol):
    """The interface of the scores of one cell, see `fusionbench.cells.columns.ScoreColumns`."""

    texts: tuple[str, ...]
    values: ndarray
    code: dict[str, int]

    def column(self, name: str) -> ndarray: ...
    def where(self, **texts: Sequence[str]) -> ndarray: ...


@runtime_checkable
class ColumnarScores(Protocol):
    """The interface of the scores of records: one `Columns` for each, and the rows of their downstream tasks."""

    records: Sequence[Mapping[str, Any]]

    @property
    def parts(self) -> Sequence[Columns]: ...
    @property
    def tasks(self) -> Sequence[tuple[Any, ...]]: ...


class ImageScores(ArrayScores):
    """The scores of one run, metric and version by image; ``lines`` are their positions in the cell's columns."""

    def __init__(self, columns: Columns, lines: ndarray) -> None:
        images = columns.column("image")[lines]
        order = np.argsort(images)
        self._columns, self._lines, self._images = columns, lines[order], images[order]

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return (self._columns.texts[code] for code in self._images)

    def __getitem__(self, image: str) -> ImageScore:
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
        """Return the position of each image among those of this object, int64 [images], -1 if it is not among them."""
        known = self._columns.code
        codes = np.array([known.get(image, -1) for image in images], dtype=np.int64)
        places = np.searchsorted(self._images, codes).clip(max=len(self._images) - 1)
        return np.where(self._images[places] == codes, places, -1)


def index_columns(scores: ColumnarScores, profile: str) -> dict[tuple[str, str, str], Scores]:
    """Return the index of `index_scores` for scores stored as arrays."""
    index: dict[tuple[str, str, str], Scores] = {}
    for record, columns in zip(scores.records, scores.parts, strict=True):
        where = record["dataset"]["name"], record["dataset"]["split"]
        for (run, metric, version), lines in _groups(columns, profile):
            versions = index.setdefault((*where, run), {}).setdefault(metric, {})
            images, earlier = ImageScores(columns, lines), versions.get(version)
            versions[version] = images if earlier is None else merged_scores(earlier, images)
    for row in scores.tasks:
        add_row(index, row)
    return index


def _groups(columns: Columns, profile: str) -> Iterator[tuple[tuple[str, str, str], ndarray]]:
    """Yield (run, metric, version) and the positions of its lines, for this profile and for downstream tasks."""
    for name in (profile, PROFILE):
        lines = np.flatnonzero(columns.where(profile=[name]))
        keys = np.stack([columns.column(key)[lines] for key in ("run", "metric", "version")])
        order = np.lexsort(keys)
        starts = np.flatnonzero((np.diff(keys[:, order], axis=1) != 0).any(axis=0)) + 1
        for group in np.split(order, starts):
            if len(group):
                run, metric, version = (columns.texts[code] for code in keys[:, group[0]])
                yield (run, metric, version), lines[group]
