"""The content of a bundle: names of its files, and the hashes in its index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.cells.store import Cell, read_records, score_rows
from fusionbench.cells.task_scores import FOLDER as TASKS
from fusionbench.data.images import read_image
from fusionbench.metrics.tasks import PROFILE
from fusionbench.tables import render
from fusionbench.tables.board import build_tables

SCHEMA = 1
INDEX, RUNS, TABLES = "bundle.json", "runs", "tables"
KEPT = ("run.json", "scores.jsonl")  # files of each cell, besides those of downstream tasks
TASK_KEPT = ("downstream.json", "scores.jsonl", "bootstrap.npz")
PREDICTED = ("maps/*.png", "detections.jsonl")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def pixel_hash(path: Path) -> str:
    """Return the SHA-256 of an image's type, shape and pixels. Raises ImageError for an unreadable file.

    Not of the file, because versions of a PNG encoder compress the same pixels to different bytes.
    """
    pixels = np.ascontiguousarray(read_image(path))
    return sha256(f"{pixels.dtype} {pixels.shape} ".encode() + pixels.tobytes())


def cell_files(cell: Cell, images: bool) -> Iterable[Path]:
    """Yield the files of a cell that a bundle contains; with ``images`` also the predictions of downstream tasks."""
    yield from (path for name in KEPT if (path := cell.path / name).is_file())
    for result in sorted((cell.path / TASKS).glob("*")):
        yield from (path for name in TASK_KEPT if (path := result / name).is_file())
        if images:
            yield from sorted(path for name in PREDICTED for path in result.glob(name))


def rendered_tables(*folders: Path) -> dict[str, bytes]:
    """Return the tables of runs folders by file name, as Markdown and CSV, for each profile with scores."""
    records = read_records(*folders)
    rows = list(score_rows(records))
    profiles = sorted({row.profile for row in rows} - {PROFILE}) or ["canonical"]
    files: dict[str, bytes] = {}
    for profile in profiles:
        tables = build_tables(records, rows, profile=profile)
        files |= {f"{TABLES}/{profile}.{kind}": render(tables, kind).encode() for kind in ("md", "csv")}
    return files


def batch_size_of(record: Mapping[str, Any]) -> int:
    """Return the batch size of a record's images, also where it was chosen for the memory of a GPU."""
    return record.get("batch_size") or record["identity"]["protocol"]["batch_size"]


def repeat_command(record: dict[str, Any]) -> str:
    """Return the command line that computes a record's images again, as far as the record determines it."""
    data, identity = record["dataset"], record["identity"]
    method = record["method"]["name"].partition("+")[0]
    parts = ["fusionbench run", f"--method {method}", f"--dataset {data['name']}", f"--split {data['split']}"]
    parts += [f"--limit {data['limit']}"] if data.get("limit") else []
    parts += [f"--seed {identity['seed']}", f"--batch-size {batch_size_of(record)}"]
    parts += ["--weights random"] if record["weights"]["source"] == "random" else []
    parts += [f"args.{key}={value}" for key, value in identity["arguments"].items()]
    return " ".join(parts)
