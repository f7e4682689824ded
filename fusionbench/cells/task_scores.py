"""Read what downstream tasks left in a cell: ``downstream/<id>/{downstream.json, scores.jsonl, bootstrap.npz}``.

One folder is one network on the cell's images: task, network, protocol, seed and division are in its identity. Loads
no torch.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionbench.errors import OutputError

FOLDER, RECORD, SCORES, BOOTSTRAP = "downstream", "downstream.json", "scores.jsonl", "bootstrap.npz"


@dataclass(frozen=True)
class TaskResult:
    """One trained network tested on a cell's images; ``lines`` are its scores by metric, none unless it is ok."""

    path: Path
    record: Mapping[str, Any]
    lines: Mapping[str, Mapping[str, Any]]

    @property
    def ok(self) -> bool:
        return self.record["status"] == "ok"

    @property
    def setting(self) -> str:
        """Return in words everything that decides the values but the seed and the row's images."""
        return str(self.record["setting"])


@dataclass(frozen=True)
class TaskScore:
    """One metric of a cell: the mean over the seeds of one setting; ``note`` says which, and how far they differ.

    ``detail`` says why there is no value.
    """

    metric: str
    version: int
    status: str
    value: float | None
    setting: str
    note: str
    detail: str = ""


def task_results(cell: Path) -> list[TaskResult]:
    """Return the results in a cell's folder, the oldest first. Raises OutputError for damaged files."""
    results = [_read(path.parent) for path in sorted((cell / FOLDER).glob(f"*/{RECORD}"))]
    return sorted(results, key=lambda result: (result.record.get("finished") or "", result.path.name))


def _read(place: Path) -> TaskResult:
    try:
        record = json.loads((place / RECORD).read_text(encoding="utf-8"))
        scores = place / SCORES
        lines = scores.read_text(encoding="utf-8").splitlines() if record["status"] == "ok" else []
        by_metric = {line["metric"]: line for line in map(json.loads, lines)}
        _ = record["setting"], record["seed"], record["metrics"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{place / RECORD} is damaged: delete its folder and run `downstream` again."
        ) from error
    return TaskResult(place, record, by_metric)


def task_scores(cell: Path) -> Iterator[TaskScore]:
    """Yield what tables show of a cell: for each metric the setting that was finished last, over all of its seeds."""
    if not (cell / FOLDER).is_dir():
        return
    newest: dict[str, str] = {}
    results = task_results(cell)
    for result in results:
        newest |= dict.fromkeys(result.record["metrics"], result.setting)
    for metric, setting in newest.items():
        same = [r for r in results if r.setting == setting and metric in r.record["metrics"]]
        yield _combined(metric, setting, sorted(same, key=lambda result: result.record["seed"]))


def _combined(metric: str, setting: str, results: Sequence[TaskResult]) -> TaskScore:
    lines = {r.record["seed"]: r.lines[metric] for r in results if metric in r.lines}
    values = {seed: line["value"] for seed, line in lines.items() if line["status"] == "ok"}
    failed = [r for r in results if not r.ok]
    if values:
        mean = math.fsum(values.values()) / len(values)
        version = next(iter(lines.values()))["version"]
        return TaskScore(metric, version, "ok", mean, setting, _note(metric, values, failed))
    if lines:
        line = next(iter(lines.values()))
        return TaskScore(metric, line["version"], line["status"], None, setting, "", line["detail"])
    record = failed[-1].record
    return TaskScore(metric, record["version"], record["status"], None, setting, "", record["detail"])


def _note(metric: str, values: Mapping[int, float], failed: Sequence[TaskResult]) -> str:
    """Say which trainings a mean is of; how far they differ only for means over classes, to spare footnotes."""
    seeds = ", ".join(map(str, values))
    lost = "".join(f"; seed {r.record['seed']} {r.record['status']}" for r in failed)
    if len(values) == 1:
        return f"one training, seed {seeds}{lost}"
    spread = "" if ":" in metric else f", SD {statistics.stdev(values.values()):.4f}"
    return f"mean of seeds {seeds}{spread}{lost}"
