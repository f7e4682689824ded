"""What is in a bundle, by name: the index and the hashes in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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
KEPT = ("run.json", "scores.jsonl")  # of each cell, beside the downstream tasks' files
TASK_KEPT = ("downstream.json", "scores.jsonl", "bootstrap.npz")
PREDICTED = ("maps/*.png", "detections.jsonl")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def pixel_hash(path: Path) -> str:
    """Return the SHA-256 over an image's type, shape and pixels, whatever its file's compression. Raises ImageError."""
    pixels = np.ascontiguousarray(read_image(path))
    return sha256(f"{pixels.dtype} {pixels.shape} ".encode() + pixels.tobytes())


def cell_files(cell: Cell, images: bool) -> Iterable[Path]:
    """Yield the files of a cell that a bundle keeps, with ``images`` also what downstream tasks predicted."""
    yield from (path for name in KEPT if (path := cell.path / name).is_file())
    for result in sorted((cell.path / TASKS).glob("*")):
        yield from (path for name in TASK_KEPT if (path := result / name).is_file())
        if images:
            yield from sorted(path for name in PREDICTED for path in result.glob(name))


def rendered_tables(*folders: Path) -> dict[str, bytes]:
    """Return the tables of runs folders by file name, Markdown and CSV, for each profile that anything was scored by."""
    records = read_records(*folders)
    rows = list(score_rows(records))
    profiles = sorted({row.profile for row in rows} - {PROFILE}) or ["canonical"]
    files: dict[str, bytes] = {}
    for profile in profiles:
        tables = build_tables(records, rows, profile=profile)
        files |= {f"{TABLES}/{profile}.{kind}": render(tables, kind).encode() for kind in ("md", "csv")}
    return files


def repeat_command(record: dict[str, Any]) -> str:
    """Return the command that computes a record's images again, as far as the record tells."""
    data, identity = record["dataset"], record["identity"]
    method = record["method"]["name"].partition("+")[0]
    parts = ["fusionbench run", f"--method {method}", f"--dataset {data['name']}", f"--split {data['split']}"]
    parts += [f"--limit {data['limit']}"] if data.get("limit") else []
    parts += [f"--seed {identity['seed']}", f"--batch-size {identity['protocol']['batch_size']}"]
    parts += ["--weights random"] if record["weights"]["source"] == "random" else []
    parts += [f"args.{key}={value}" for key, value in identity["arguments"].items()]
    return " ".join(parts)
