"""The result store: ``<out>/<data set>-<split>/<method>/<id>/{run.json, images/, scores.jsonl}``.

A score is done when its line exists. Lines contain nothing that changes from call to call (no time, no machine), so a
run that was killed and resumed ends with the same lines as one that was not. A metric with one value for all images
of a cell has a line with the image "" and further keys: ``images`` and ``set`` (their number, and a hash of their ids),
``setting`` (networks and kernel in words), ``low`` and ``high`` (bounds of the 95 % interval).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from fusionbench.cells.score_lines import WHOLE_SET, ScoreKey, key_of, read_lines, sealed
from fusionbench.cells.task_scores import task_scores
from fusionbench.errors import DamagedError, DataNotFoundError, OutputError
from fusionbench.files import cannot_write, digest_of, write_json
from fusionbench.metrics.tasks import PROFILE

if TYPE_CHECKING:
    import pandas as pd

# raised when this version can no longer read the records of earlier ones
SCHEMA = 1
COPY = ".scores.npz"  # the cache of scores.jsonl as arrays, see `fusionbench.cells.columns`


class ScoreRow(NamedTuple):
    """One score and the cell it belongs to; ``value`` is None unless the status is "ok".

    ``note`` states, for the value of a downstream task, of which trainings it is the mean.
    """

    dataset: str
    split: str
    run: str
    profile: str
    metric: str
    version: int
    image: str
    status: str
    value: float | None
    detail: str
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """The folder of one (method, data set, split, seed), which need not exist."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def record_file(self) -> Path:
        return self.path / "run.json"

    @property
    def scores_file(self) -> Path:
        return self.path / "scores.jsonl"

    def image(self, pair_id: str) -> Path:
        return self.path / "images" / f"{pair_id}.png"

    def stored(self) -> set[str]:
        """Return the ids of the pairs whose fused image is stored."""
        try:
            names = os.listdir(self.path / "images")
        except FileNotFoundError:
            return set()
        return {name.removesuffix(".png") for name in names if name.endswith(".png") and name[0] != "."}

    def read_record(self) -> dict[str, Any] | None:
        """Return run.json, None if there is none.

        Raises DamagedError for a damaged file, OutputError for an unknown schema number.
        """
        path = self.record_file
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            schema = record["schema"]
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedError(path, "is damaged", "delete its folder and run again") from error
        if schema != SCHEMA:
            raise OutputError(
                f"{path} has schema {schema}, this version reads {SCHEMA}: use the version that wrote it, or run again with --fresh."
            )
        if wrong := _wrong(record):
            raise DamagedError(path, f"is damaged or was edited ({wrong})", "delete its folder and run again")
        return record

    def write_record(self, record: dict[str, Any]) -> None:
        write_json(self.record_file, record)

    def scores(self) -> dict[ScoreKey, dict[str, Any]]:
        """Return the last line of each key. Raises DamagedError for a damaged file."""
        return {key_of(line): line for line in read_lines(self.scores_file)}

    def append(self, lines: Iterable[dict[str, Any]]) -> None:
        """Append lines in one write, so that a kill leaves complete lines and at most one incomplete one.

        Raises OutputError if the file cannot be written.
        """
        text = "".join(sealed(json.dumps(line, allow_nan=False, ensure_ascii=False)) for line in lines)
        try:
            # O_APPEND seeks to the end and writes in one step: processes that share the file do not overwrite lines
            handle = os.open(self.scores_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                data = text.encode()
                while data:  # a write may take only a part, for example on a nearly full disk
                    data = data[os.write(handle, data) :]
            finally:
                os.close(handle)
        except OSError as error:
            raise OutputError(cannot_write(self.scores_file, error)) from error

    def forget(self) -> None:
        """Delete images, scores and record."""
        shutil.rmtree(self.path / "images", ignore_errors=True)
        self.scores_file.unlink(missing_ok=True)
        (self.path / COPY).unlink(missing_ok=True)
        # the record last: images left by a kill without a record's hashes and probe would be taken for results of this call
        self.record_file.unlink(missing_ok=True)

    def drop_torn_line(self) -> None:
        """Remove the incomplete last line that a kill may have left; its score is computed again."""
        path = self.scores_file
        if not path.exists() or path.stat().st_size == 0:
            return
        data = path.read_bytes()
        if not data.endswith(b"\n"):
            with path.open("r+b") as stream:
                stream.truncate(data.rfind(b"\n") + 1)


_MAPPINGS = ("dataset", "method", "weights", "identity", "images")
_TEXTS = {"dataset": ("name", "title", "split", "family"), "method": ("name", "title", "kind")}


def _wrong(record: dict[str, Any]) -> str | None:
    """Return what is inconsistent in a record (types, its id, the hash of its pairs), None if it is sound.

    Keys may be missing, because records of earlier versions have fewer of them.
    """
    for key in _MAPPINGS:
        if not isinstance(record.get(key, {}), dict):
            return f"{key} is not a mapping"
    for part, keys in _TEXTS.items():
        for key in keys:
            if not isinstance(record.get(part, {}).get(key, ""), str):
                return f"{part}.{key} is not a text"
    data = record.get("dataset", {})
    ids = data.get("ids", [])
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        return "dataset.ids is not a list of texts"
    whole = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
    if re.fullmatch("[0-9a-f]{64}", str(data.get("split_hash"))) and data["split_hash"] != whole:
        return "its ids are not those of its split hash"
    if (
        re.fullmatch("[0-9a-f]{10}", str(record.get("id")))
        and digest_of(record.get("identity", {}))[:10] != record["id"]
    ):
        return "its id is not that of its identity"
    return None


def find_cells(*folders: str | Path) -> list[Cell]:
    """Return all cells below runs folders (default ``runs``), sorted by path; the folder of a single cell counts too.

    Raises DataNotFoundError for a folder that does not exist or contains no run, OSError for one that cannot be read.
    """
    cell_folders: set[Path] = set()
    for folder in map(Path, folders or ("runs",)):
        if not folder.is_dir():
            raise DataNotFoundError(f"No runs folder '{folder}': give the folder that --out named.")
        here = {Path(path) for path, _, names in os.walk(folder, onerror=_refuse) if "run.json" in names}
        if not here:
            raise DataNotFoundError(f"No run in '{folder}': `fusionbench run --out {folder} ...` makes some.")
        cell_folders |= here
    return [Cell(path) for path in sorted(cell_folders)]


def _refuse(error: OSError) -> None:
    """Raise the error: by default a walk skips folders that it may not read, and tables would lack their rows."""
    raise error


def read_records(*folders: str | Path) -> list[dict[str, Any]]:
    """Return the run.json of every cell below the folders, each with its folder under the key ``path``."""
    return [
        {**record, "path": str(cell.path)} for cell in find_cells(*folders) if (record := cell.read_record())
    ]


def read_runs(*folders: str | Path) -> pd.DataFrame:
    """Return all scores below the folders (default ``runs``), one row per (run, image, metric, version, profile).

    Columns: dataset, split, family, method, title, kind, run, image ("" for a metric of a whole set), metric, version,
    profile, value (float64, NaN unless the status is "ok"), status, detail. Raises DataNotFoundError for a folder without
    runs, DamagedError for a damaged record or scores file.
    """
    return scores_of(read_records(*(folders or ("runs",))))


COLUMNS = (
    "dataset",
    "split",
    "family",
    "method",
    "title",
    "kind",
    "run",
    "image",
    "metric",
    "version",
    "profile",
    "value",
    "status",
    "detail",
)


def score_rows(records: Iterable[Mapping[str, Any]]) -> Iterator[ScoreRow]:
    """Yield the scores of records from `read_records`, those of downstream tasks last; one cell is in memory at a time."""
    for record in records:
        name, split = record["dataset"]["name"], record["dataset"]["split"]
        lines = read_lines(Cell(Path(record["path"])).scores_file)
        last = {(line["image"], line["metric"], line["version"], line["profile"]): line for line in lines}
        for (image, metric, version, profile), line in last.items():
            # interned, so that equal strings are one object: a large sweep repeats each name some hundred thousand times
            yield ScoreRow(
                name, split, line["run"], intern(profile), intern(metric), version, intern(image),
                intern(line["status"]), line["value"], line["detail"],
            )  # fmt: skip
        yield from task_rows(record)


def task_rows(record: Mapping[str, Any]) -> Iterator[ScoreRow]:
    """Yield the scores of a record's downstream tasks."""
    name, split = record["dataset"]["name"], record["dataset"]["split"]
    for score in task_scores(Path(record["path"])):
        detail = score.setting if score.status == "ok" else score.detail
        yield ScoreRow(
            name, split, record["id"], PROFILE, score.metric, score.version, WHOLE_SET, score.status, score.value,
            detail, score.note,
        )  # fmt: skip


def scores_of(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return the scores of records from `read_records`, with the columns of `read_runs`."""
    import pandas as pd

    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for record in records:
        method = record["method"]
        known = {"family": record["dataset"]["family"], "method": method["name"]}
        known |= {"title": method["title"], "kind": method["kind"]}
        for row in score_rows([record]):
            facts = row._asdict() | known
            for name, values in columns.items():
                values.append(facts[name])
    return pd.DataFrame(columns).astype({"value": "float64"})
