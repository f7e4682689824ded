"""Costs of methods for figures: from `fusionbench profile --json`, or the seconds per image of their runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionbench.errors import RequestError
from fusionbench.tables.board import Board

MEASURED = {
    "latency": ("latency_ms", "latency (ms)", 1.0),
    "params": ("params", "parameters (M)", 1e6),
    "macs": ("macs", "multiply-accumulates (G)", 1e9),
    "memory": ("peak_memory_mb", "peak memory (MB)", 1.0),
}
COSTS = (*MEASURED, "seconds")


@dataclass(frozen=True)
class Cost:
    """One axis of cost: the known values by method, and a sentence on how and where they were measured."""

    name: str
    label: str
    values: Mapping[str, float]
    note: str


def read_profile(path: Path) -> dict[str, Any]:
    """Read the output of `fusionbench profile --json`. Raises RequestError for any other content."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RequestError(f"'{path}' is not a profile ({error}): {_REMEDY}") from error
    rows = document.values() if isinstance(document, dict) else []
    if not rows or not all(isinstance(row, dict) and ("params" in row or "status" in row) for row in rows):
        raise RequestError(f"'{path}' is not a profile: {_REMEDY}")
    return document


_REMEDY = "write one with `fusionbench profile --method ... --json > FILE`."


def find_costs(board: Board, wanted: Sequence[str], measured: Mapping[str, Any] | None) -> list[Cost]:
    """Return the costs named in ``wanted``; by default latency with a profile, else seconds.

    Raises RequestError if a cost is unknown, needs a profile that is not given, or is not known for any method.
    """
    names = wanted or (("latency",) if measured is not None else ("seconds",))
    costs = [_cost(name, board, measured) for name in names]
    for cost in costs:
        if not cost.values:
            raise RequestError(
                f"No method of the records has a {cost.name}: profile {', '.join(_names(board))} into the file of --profile-json."
            )
    return costs


def _names(board: Board) -> list[str]:
    return [row.method for row in board.table.rows]


def _cost(name: str, board: Board, measured: Mapping[str, Any] | None) -> Cost:
    if name not in COSTS:
        raise RequestError(f"Unknown cost '{name}': known are {', '.join(COSTS)}.")
    if name == "seconds":
        return _from_records(board)
    if measured is None:
        raise RequestError(f"The cost {name} is not in the records: give --profile-json FILE; {_REMEDY}")
    rows = {n: measured[n] for n in _names(board) if n in measured}
    # a method that could not be profiled has a row that says why, and nothing else
    rows = {n: row for n, row in rows.items() if row.get("status", "ok") == "ok"}
    return _from_profile(name, rows)


def _from_profile(name: str, rows: Mapping[str, Mapping[str, Any]]) -> Cost:
    key, label, factor = MEASURED[name]
    size = "" if name == "params" else _common_size(rows)
    values = {method: _value(row.get(key), size) for method, row in rows.items()}
    known = {method: value / factor for method, value in values.items() if value is not None}
    devices = ", ".join(sorted({_device(row) for row in rows.values()}))
    where = f" on {devices}" if name in ("latency", "memory") else ""
    at = f" at {size}, batch 1{where}" if size else ""
    return Cost(name, label, known, f"{label[0].upper()}{label[1:].partition(' (')[0]}{at}.")


def _common_size(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the largest size that all methods were profiled at. Raises RequestError if there is none."""
    sizes = [set(row.get("latency_ms", ())) for row in rows.values()]
    shared = set.intersection(*sizes) if sizes else set()
    if sizes and not shared:
        raise RequestError("The profile has no size that all its methods share: profile them at one --size.")
    return max(shared, key=lambda size: (_pixels(size), size), default="")


def _pixels(size: str) -> int:
    width, height = size.split("x")
    return int(width) * int(height)


def _value(entry: Any, size: str) -> float | None:
    measured = entry.get(size) if isinstance(entry, Mapping) else entry
    return measured.get("median") if isinstance(measured, Mapping) else measured


def _device(row: Mapping[str, Any]) -> str:
    hardware = row.get("hardware") or {}
    if not hardware.get("device"):
        return "a device that the profile does not name"
    threads = hardware.get("threads")
    if not threads or hardware.get("driver"):
        return hardware["device"]
    return f"{hardware['device']} ({threads} {'thread' if threads == 1 else 'threads'})"


def _from_records(board: Board) -> Cost:
    """Return the seconds per image for reading, fusing and storing, over all calls of a run."""
    values, devices = {}, set()
    for run in board.runs:
        taken = (run.record["provenance"].get("seconds") or {}).get("fuse")
        if taken:
            values[run.record["method"]["name"]] = taken / len(board.images)
            devices.add(run.record["provenance"].get("device") or "an unnamed device")
    note = f"Seconds per image in its run, with reading and storing, on {', '.join(sorted(devices))}."
    return Cost("seconds", "seconds per image", values, note)
