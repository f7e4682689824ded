"""The scores of a cell column by column, and a copy of them on disk that spares parsing scores.jsonl.

The copy lies beside scores.jsonl as ``.scores.npz`` and holds the SHA-256 of that file's bytes. It is read only while
they agree, so an edited, appended or truncated scores.jsonl is parsed; a copy that is damaged is passed over.
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
from fusionbench.errors import OutputError
from fusionbench.files import write_through

FORMAT = 1  # of the copy; another one is passed over
LEAST = 2**17  # bytes: a smaller scores.jsonl is parsed in a few milliseconds
TEXTS = ("run", "image", "metric", "version", "profile", "status", "detail")


@dataclass(frozen=True)
class ScoreColumns:
    """The last line of each key of a scores file.

    ``codes`` int32 [7, lines] are positions in ``texts``, one row for each of `TEXTS`; versions are written out.
    ``values`` float64 [lines] are NaN where the status is not ok.
    """

    codes: ndarray
    values: ndarray
    texts: tuple[str, ...]

    def column(self, name: str) -> ndarray:
        """Return the codes int32 [lines] of one of `TEXTS`."""
        return self.codes[TEXTS.index(name)]

    def used(self, name: str) -> set[str]:
        """Return the different texts of a column."""
        return {self.texts[code] for code in np.unique(self.column(name))}

    @cached_property
    def code(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self.texts)}

    def where(self, **texts: Sequence[str]) -> ndarray:
        """Return a mask [lines] of the lines that have one of the texts in each named column."""
        mask = np.ones(len(self.values), dtype=bool)
        for name, wanted in texts.items():
            mask &= np.isin(self.column(name), [self.code.get(text, -1) for text in wanted])
        return mask


def columns_of(lines: Iterable[Mapping[str, Any]]) -> ScoreColumns:
    """Return the columns of lines in the order of a scores file; of each key the last line counts."""
    last = {
        (line["image"], line["metric"], line["version"], line["profile"]): line for line in lines
    }.values()
    code: dict[str, int] = {}
    codes = [[code.setdefault(str(line[name]), len(code)) for line in last] for name in TEXTS]
    values = [np.nan if line["value"] is None else line["value"] for line in last]
    return ScoreColumns(
        np.array(codes, dtype=np.int32).reshape(len(TEXTS), len(values)),
        np.array(values, dtype=np.float64),
        tuple(map(intern, code)),  # a large sweep has each name in each of its cells
    )


def read_columns(cell: Cell) -> ScoreColumns:
    """Return the scores of a cell, from the copy where it is of this scores.jsonl. Raises OutputError for a damaged file."""
    data = read_scores(cell.scores_file)
    copy = _read_copy(cell, data)
    return columns_of(parse_lines(cell.scores_file, data)) if copy is None else copy


def keep_columns(cell: Cell) -> None:
    """Write the copy of a large scores.jsonl where it lacks or is stale; where it cannot be written there is none."""
    data = read_scores(cell.scores_file)
    if len(data) < LEAST or _read_copy(cell, data) is not None:
        return
    columns = columns_of(parse_lines(cell.scores_file, data))
    texts = np.frombuffer(json.dumps(columns.texts).encode(), dtype=np.uint8)

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.savez(stream, of=_digest(data), codes=columns.codes, values=columns.values, texts=texts)

    try:
        write_through(cell.path / COPY, write)
    except OutputError:
        return  # a folder that can only be read, a full disk: reading takes longer and gives the same


def _read_copy(cell: Cell, data: bytes) -> ScoreColumns | None:
    path = cell.path / COPY
    if not path.exists():
        return None
    try:
        # from memory, because NumPy leaves a file open that is no whole zip; zip checks the parts by checksums
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            if str(stored["of"]) != _digest(data):
                return None
            texts = tuple(map(intern, json.loads(stored["texts"].tobytes())))
            return ScoreColumns(stored["codes"], stored["values"], texts)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _digest(data: bytes) -> str:
    return f"{FORMAT}:{hashlib.sha256(data).hexdigest()}"


class StoredScores:
    """The scores of records that ``read_records`` gave; as an iterable, the rows of `score_rows`."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.records = list(records)

    def __iter__(self) -> Iterator[ScoreRow]:
        return score_rows(self.records)

    @cached_property
    def parts(self) -> list[ScoreColumns]:
        """The scores of each record, those of downstream tasks aside."""
        return [read_columns(Cell(Path(record["path"]))) for record in self.records]

    @cached_property
    def tasks(self) -> list[ScoreRow]:
        """The scores of downstream tasks."""
        return [row for record in self.records for row in task_rows(record)]

    @property
    def profiles(self) -> set[str]:
        """The profiles that anything was scored by, that of downstream tasks among them."""
        return {row.profile for row in self.tasks}.union(*(part.used("profile") for part in self.parts))
