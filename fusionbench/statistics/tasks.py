"""Statistics of downstream tasks: intervals over test images, variation over seeds, and gain over the visible image."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from fusionbench.cells.task_scores import BOOTSTRAP, TaskResult, task_results
from fusionbench.metrics.tasks import FROZEN, MAIN
from fusionbench.tables.board import Board
from fusionbench.tables.grid import Grid
from fusionbench.tables.model import Column, printed
from fusionbench.tables.runs import Run

# the row with which others are compared: fusing should be better than the visible image
REFERENCE = "visible"
MEANS = {name for names in MAIN.values() for name in names}
NONE = "–"


@dataclass(frozen=True)
class TaskRow:
    """One method: the value of each seed, the interval of their mean over test images, and the gain over the reference.

    ``gain`` and its interval are None for the reference itself, and if that has no value.
    """

    method: str
    label: str
    seeds: dict[int, float]
    low: float
    high: float
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None

    @property
    def mean(self) -> float:
        return statistics.fmean(self.seeds.values())

    @property
    def sd(self) -> float | None:
        """The standard deviation over seeds, None for a single seed."""
        return statistics.stdev(self.seeds.values()) if len(self.seeds) > 1 else None


@dataclass(frozen=True)
class TaskStatistics:
    """One metric of a task, and the rows that have it."""

    column: Column
    rows: tuple[TaskRow, ...]


def task_statistics(board: Board, level: float = 0.95) -> list[TaskStatistics]:
    """Return the statistics of each task's mean metrics in a board, from the results stored with the runs."""
    columns = [c for c in board.table.columns if c.metric.removesuffix(FROZEN) in MEANS]
    tasks = [TaskStatistics(column, tuple(_rows(board, column, level))) for column in columns]
    return [entry for entry in tasks if entry.rows]


def _rows(board: Board, column: Column, level: float) -> Iterator[TaskRow]:
    results = {
        row.method: (row.label, _results(run, column))
        for row, run in zip(board.table.rows, board.runs, strict=True)
    }
    drawn = {method: _resampled(stored, column.metric) for method, (_, stored) in results.items() if stored}
    for method, resampled in drawn.items():
        label, stored = results[method]
        seeds = {int(r.record["seed"]): float(r.lines[column.metric]["value"]) for r in stored}
        low, high = _ends(resampled, level)
        row = TaskRow(method, label, seeds, low, high)
        reference = drawn.get(REFERENCE)
        if method == REFERENCE or reference is None or reference.shape != resampled.shape:
            yield row
            continue
        base = statistics.fmean(float(r.lines[column.metric]["value"]) for r in results[REFERENCE][1])
        # resamples of all rows have the same images, so their differences are paired
        gain_low, gain_high = _ends(resampled - reference, level)
        yield TaskRow(method, label, seeds, low, high, row.mean - base, gain_low, gain_high)


def _results(run: Run, column: Column) -> list[TaskResult]:
    """Return a run's results with the column's setting and a value of its metric."""
    selected = [result for folder in run.folders for result in task_results(folder)]
    return [
        r
        for r in selected
        if r.setting == column.setting and r.lines.get(column.metric, {}).get("status") == "ok"
    ]


def _resampled(results: Sequence[TaskResult], metric: str) -> ndarray:
    """Return the mean over seeds on each resample, float64 [resamples]; empty if resamples are missing."""
    samples = []
    for result in results:
        path = result.path / BOOTSTRAP
        if path.is_file():
            with np.load(path, allow_pickle=False) as arrays:
                samples.append(arrays[metric])
    return np.mean(samples, axis=0) if samples and len(samples) == len(results) else np.array([])


def _ends(values: ndarray, level: float) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not known.size:
        return math.nan, math.nan
    low, high = np.percentile(known, [100 * (1 - level) / 2, 100 * (1 + level) / 2])
    return float(low), float(high)


def task_grids(board: Board, level: float = 0.95) -> Iterator[Grid]:
    """Yield one table for each metric of a task."""
    for task in task_statistics(board, level):
        digits = task.column.digits
        rows = tuple(
            (row.label, _span(row.mean, row.low, row.high, digits), _seeds(row, digits), _gain(row, digits))
            for row in task.rows
        )
        yield Grid(
            f"Downstream: {task.column.metric}",
            (
                "Method",
                f"{task.column.metric} {task.column.arrow}",
                "SD over seeds",
                f"Gain over {REFERENCE}",
            ),
            rows,
            f"Mean over seeds, {100 * level:g} % percentile interval of a bootstrap over test images with the networks held "
            "fixed, and the difference to the visible images on the same resamples. A gain whose interval contains 0 is not "
            "significant on these images; the seeds show how much another training changes.",
        )


def _span(value: float, low: float, high: float, digits: int) -> str:
    if not math.isfinite(low):
        return printed(value, digits)
    return f"{printed(value, digits)} [{printed(low, digits)}, {printed(high, digits)}]"


def _seeds(row: TaskRow, digits: int) -> str:
    return (
        f"one seed ({next(iter(row.seeds))})"
        if row.sd is None
        else f"{printed(row.sd, digits)} ({len(row.seeds)} seeds)"
    )


def _gain(row: TaskRow, digits: int) -> str:
    if row.gain is None or row.gain_low is None or row.gain_high is None:
        return NONE
    return _span(row.gain, row.gain_low, row.gain_high, digits)


def task_documents(board: Board, level: float = 0.95) -> list[dict[str, Any]]:
    """Return the statistics of tasks as dictionaries, lists, strings, numbers and None."""
    return [
        {
            "metric": task.column.metric,
            "setting": task.column.setting,
            "rows": [
                {
                    "method": row.method, "label": row.label, "mean": row.mean, "sd": row.sd,
                    "seeds": {str(seed): value for seed, value in row.seeds.items()},
                    "low": _plain(row.low), "high": _plain(row.high), "gain_over_visible": row.gain,
                    "gain_low": _plain(row.gain_low), "gain_high": _plain(row.gain_high),
                }
                for row in task.rows
            ],
        }
        for task in task_statistics(board, level)
    ]  # fmt: skip


def _plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
