"""Two compact text files with a leaderboard's records and scores, from which its tables can be rendered again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

RECORDS, SCORES = "records.json", "scores.csv"
KEYS = ("dataset", "split", "run", "profile", "image")
LEFT_OUT = ("path", "probe", "log")  # useful only beside the images, or full of one machine's paths

Row = tuple[Any, ...]  # data set, split, run, profile, metric, version, image, status, value, detail


def pack(records: Iterable[Mapping[str, Any]], rows: Iterable[Row]) -> dict[str, str]:
    """Return the texts of both files by name, in an order independent of that of the arguments.

    ``records`` and ``rows`` are those of `read_records` and `score_rows` of fusionbench.cells.store. A line of the scores
    is an image of a run, a column a metric and its version. Values are written with all digits; missing ones as
    "status: detail".
    """
    kept = [{k: v for k, v in record.items() if k not in LEFT_OUT} for record in records]
    kept.sort(key=lambda r: (r["dataset"]["name"], r["dataset"]["split"], r["method"]["name"], r["id"]))
    lines: dict[Row, dict[str, str]] = {}
    for dataset, split, run, profile, metric, version, image, status, value, detail, *_ in rows:
        text = repr(float(value)) if status == "ok" else f"{status}: {detail}"
        lines.setdefault((dataset, split, run, profile, image), {})[f"{metric}@{version}"] = text
    columns = sorted({column for line in lines.values() for column in line})
    scores = io.StringIO()
    writer = csv.writer(scores, lineterminator="\n")
    writer.writerow((*KEYS, *columns))
    writer.writerows((*key, *(lines[key].get(column, "") for column in columns)) for key in sorted(lines))
    document = json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return {RECORDS: document, SCORES: scores.getvalue()}


def unpack(folder: Path) -> tuple[list[dict[str, Any]], list[Row]]:
    """Return records and rows, as `build_tables` takes them, from the files that `pack` wrote into a folder."""
    records = json.loads((folder / RECORDS).read_text(encoding="utf-8"))
    with (folder / SCORES).open(newline="", encoding="utf-8") as stream:
        rows = [row for line in csv.DictReader(stream) for row in _rows(line)]
    return records, rows


def _rows(line: Mapping[str, str]) -> Iterable[Row]:
    dataset, split, run, profile, image = (line[key] for key in KEYS)
    for column, text in line.items():
        if column in KEYS or not text:
            continue
        metric, _, version = column.rpartition("@")
        status, _, detail = text.partition(": ")
        outcome: tuple[str, float | None, str]
        try:
            outcome = "ok", float(text), ""
        except ValueError:
            outcome = status, None, detail
        yield dataset, split, run, profile, metric, version, image, *outcome
