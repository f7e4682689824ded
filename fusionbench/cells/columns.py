"""The scores of a cell as arrays, one per column, and a cache of them on disk that saves parsing scores.jsonl.

The cache is the file ``.scores.npz`` beside scores.jsonl and contains the SHA-256 of that file's bytes. It is used only
while this hash agrees: a scores.jsonl that was edited, appended to or truncated is parsed. A damaged cache is ignored.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
from numpy import ndarray

from fusionbench.cells.score_lines import parse_lines, read_scores
from fusionbench.cells.store import COPY, Cell, ScoreRow, score_rows, task_rows
from fusionbench.errors import OutputError, RequestError
from fusionbench.files import write_through
from fusionbench.metrics.tasks import PROFILE

FORMAT = 1  # of the cache file; a file of another format is ignored
# bytes of scores.jsonl from which on a cache is worth it: smaller files are parsed in milliseconds
LEAST = 2**17
TEXTS = ("run", "image", "metric", "version", "profile", "status", "detail")


@dataclass(frozen=True)
class ScoreColumns:
    """The valid lines of a scores file (the last line of each `ScoreKey`) as arrays.

    ``codes`` is int32 [7, lines]: one row for each name in `TEXTS`, each entry an index into ``texts``; versions are
    stored as text. ``values`` is float64 [lines], NaN where the status is not "ok".
    """

    codes: ndarray
    values: ndarray
    texts: tuple[str, ...]

    def column(self, name: str) -> ndarray:
        """Return the codes, int32 [lines], of the column ``name``, one of `TEXTS`."""
        return self.codes[TEXTS.index(name)]

    def used(self, name: str) -> set[str]:
        """Return the distinct texts of a column."""
        return {self.texts[code] for code in np.unique(self.column(name))}

    @cached_property
    def code(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self.texts)}

    def where(self, **texts: Sequence[str]) -> ndarray:
        """Return a boolean mask [lines]: true where each named column has one of the texts given for it."""
        mask = np.ones(len(self.values), dtype=bool)
        for name, wanted in texts.items():
            mask &= np.isin(self.column(name), [self.code.get(text, -1) for text in wanted])
        return mask


def columns_of(lines: Iterable[Mapping[str, Any]]) -> ScoreColumns:
    """Return lines, given in the order of their scores file, as columns; of each key the last line counts."""
    # a later line of a key takes the value and keeps the place of the first, so the order is that of first scoring
    last = {
        (line["image"], line["metric"], line["version"], line["profile"]): line for line in lines
    }.values()
    code: dict[str, int] = {}
    codes = [[code.setdefault(str(line[name]), len(code)) for line in last] for name in TEXTS]
    values = [np.nan if line["value"] is None else line["value"] for line in last]
    return ScoreColumns(
        np.array(codes, dtype=np.int32).reshape(len(TEXTS), len(values)),
        np.array(values, dtype=np.float64),
        tuple(map(intern, code)),  # interned, because a large sweep repeats each name in each of its cells
    )


def read_columns(cell: Cell) -> ScoreColumns:
    """Return the scores of a cell, from the cache if it is up to date. Raises OutputError for a damaged scores.jsonl."""
    data = read_scores(cell.scores_file)
    copy = _read_copy(cell, data)
    return columns_of(parse_lines(cell.scores_file, data)) if copy is None else copy


def keep_columns(cell: Cell) -> None:
    """Write the cache of a large scores.jsonl if it is missing or stale; a folder that cannot be written gets none."""
    data = read_scores(cell.scores_file)
    if len(data) < LEAST or _read_copy(cell, data) is not None:
        return
    columns = columns_of(parse_lines(cell.scores_file, data))
    texts = np.frombuffer(json.dumps(columns.texts).encode(), dtype=np.uint8)

    def write(path: Path) -> None:
        # a stream, because numpy would append a suffix to a file name
        with path.open("wb") as stream:
            np.savez(stream, of=_digest(data), codes=columns.codes, values=columns.values, texts=texts)

    try:
        write_through(cell.path / COPY, write)
    except OutputError:
        return  # read-only folder or full disk: scores.jsonl is then parsed each time, with the same result


def _read_copy(cell: Cell, data: bytes) -> ScoreColumns | None:
    path = cell.path / COPY
    if not path.exists():
        return None
    try:
        # read into memory first, because NumPy leaves the file open if it is not a complete zip; zip's own checksums
        # find damage inside the arrays
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            if str(stored["of"]) != _digest(data):
                return None
            texts = tuple(map(intern, json.loads(stored["texts"].tobytes())))
            return ScoreColumns(stored["codes"], stored["values"], texts)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _digest(data: bytes) -> str:
    return f"{FORMAT}:{hashlib.sha256(data).hexdigest()}"


def no_score_of(profile: str, scored: Iterable[str]) -> RequestError:
    """Return the error for a profile by which nothing is scored; ``scored`` are the profiles of all scores."""
    found = ", ".join(sorted(set(scored) - {PROFILE}))
    return RequestError(
        f"No score of profile {profile} there: the folders hold {f'scores of {found}' if found else 'no scores'}."
    )


@dataclass(frozen=True)
class StoredScores:
    """The scores of records from `read_records`; iterating yields the rows of `score_rows`."""

    records: Sequence[Mapping[str, Any]]

    def __iter__(self) -> Iterator[ScoreRow]:
        return score_rows(self.records)

    @cached_property
    def parts(self) -> list[ScoreColumns]:
        """The scores of each record, without those of downstream tasks."""
        return [read_columns(Cell(Path(record["path"]))) for record in self.records]

    @cached_property
    def tasks(self) -> list[ScoreRow]:
        """The scores of downstream tasks."""
        return [row for record in self.records for row in task_rows(record)]

    @property
    def profiles(self) -> set[str]:
        """The profiles of all scores, including that of downstream tasks."""
        return {row.profile for row in self.tasks}.union(*(part.used("profile") for part in self.parts))
