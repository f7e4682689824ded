"""Reading the results of downstream tasks: ``downstream/<id>/{downstream.json, scores.jsonl, bootstrap.npz}``.

One folder is one network tested on the cell's images; task, network, protocol, seed and division are in its identity.
This module does not load torch.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionbench.errors import DamagedError

FOLDER, RECORD, SCORES, BOOTSTRAP = "downstream", "downstream.json", "scores.jsonl", "bootstrap.npz"
NEEDED = {
    "identity",
    "run",
    "status",
    "detail",
    "task",
    "setting",
    "seed",
    "metrics",
    "version",
    "classes",
    "division",
}
NEEDED_OF_LINE = {"metric", "version", "status", "value", "detail"}


@dataclass(frozen=True)
class TaskResult:
    """One trained network tested on a cell's images; ``lines`` are its scores by metric, empty unless it is "ok"."""

    path: Path
    record: Mapping[str, Any]
    lines: Mapping[str, Mapping[str, Any]]

    @property
    def ok(self) -> bool:
        return self.record["status"] == "ok"

    @property
    def setting(self) -> str:
        """Everything in words that determines the values except the seed and the row's images."""
        return str(self.record["setting"])


@dataclass(frozen=True)
class TaskScore:
    """One metric of a cell: the mean over the seeds of one setting.

    ``note`` names the seeds and their standard deviation; ``detail`` says why there is no value.
    """

    metric: str
    version: int
    status: str
    value: float | None
    setting: str
    note: str
    detail: str = ""


def task_results(cell: Path) -> list[TaskResult]:
    """Return the results in a cell's folder, the oldest first. Raises DamagedError for a file that cannot be read."""
    results = [_read(path.parent) for path in sorted((cell / FOLDER).glob(f"*/{RECORD}"))]
    return sorted(results, key=lambda result: (result.record.get("finished") or "", result.path.name))


def _read(place: Path) -> TaskResult:
    record = _record(place / RECORD)
    return TaskResult(place, record, _lines(place / SCORES) if record["status"] == "ok" else {})


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, "is damaged") from error
    if not isinstance(record, dict) or not record.keys() >= NEEDED:
        raise _damaged(path, "is damaged: it lacks what `downstream` writes")
    return record


def _lines(path: Path) -> dict[str, dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise _damaged(path, "is damaged or missing") from error
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, dict) or not line.keys() >= NEEDED_OF_LINE or not _is_score(line):
            raise _damaged(path, f"holds no score in line {number}")
    return {line["metric"]: line for line in lines}


def _is_score(line: Mapping[str, Any]) -> bool:
    value = line["value"]
    if line["status"] != "ok":
        return value is None
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _damaged(path: Path, problem: str) -> DamagedError:
    return DamagedError(path, problem, "delete its folder and run `downstream` again")


def task_scores(cell: Path) -> Iterator[TaskScore]:
    """Yield the scores that tables show: for each metric those of the setting finished last, over all of its seeds."""
    if not (cell / FOLDER).is_dir():
        return
    newest: dict[str, str] = {}
    results = task_results(cell)
    for result in results:
        # in the order in which they were finished, so that the last setting of a metric stays
        newest |= dict.fromkeys(result.record["metrics"], result.setting)
    for metric, setting in newest.items():
        same = [r for r in results if r.setting == setting and metric in r.record["metrics"]]
        yield _combined(metric, setting, sorted(same, key=lambda result: result.record["seed"]))


def _combined(metric: str, setting: str, results: Sequence[TaskResult]) -> TaskScore:
    lines = {r.record["seed"]: r.lines[metric] for r in results if metric in r.lines}
    values = {seed: line["value"] for seed, line in lines.items() if line["status"] == "ok"}
    failed = [r for r in results if not r.ok]
    if values:
        mean = math.fsum(values.values()) / len(values)  # rounds once, whatever the order of the seeds
        version = next(iter(lines.values()))["version"]
        return TaskScore(metric, version, "ok", mean, setting, _note(metric, values, failed))
    if lines:
        line = next(iter(lines.values()))
        return TaskScore(metric, line["version"], line["status"], None, setting, "", line["detail"])
    record = failed[-1].record
    return TaskScore(metric, record["version"], record["status"], None, setting, "", record["detail"])


def _note(metric: str, values: Mapping[int, float], failed: Sequence[TaskResult]) -> str:
    """Return which trainings a mean is of, with the standard deviation.

    Values of single classes (``metric:class``) have none, because each would need a footnote of its own in tables.
    """
    seeds = ", ".join(map(str, values))
    lost = "".join(f"; seed {r.record['seed']} {r.record['status']}" for r in failed)
    if len(values) == 1:
        return f"one training, seed {seeds}{lost}"
    spread = "" if ":" in metric else f", SD {statistics.stdev(values.values()):.4f}"
    return f"mean of seeds {seeds}{spread}{lost}"
