"""What a call would do (``--dry-run``): which cells are done, and how long the others are expected to take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from fusionbench.cells.done import find_done
from fusionbench.cells.planned import Job
from fusionbench.cells.store import read_records
from fusionbench.errors import DataNotFoundError


@dataclass(frozen=True)
class Forecast:
    """A cell of the plan; ``seconds`` is the expected time, None if it is done or no earlier record allows an estimate."""

    job: Job
    done: bool
    seconds: float | None


def forecast(jobs: Iterable[Job]) -> list[Forecast]:
    """Return the forecast of each job from the records in its store.

    Time of training is not included, because a training announces its own duration.
    """
    jobs = list(jobs)
    paces = _paces(jobs)
    forecasts = []
    for job in jobs:
        done = find_done(job) is not None
        data = job.planned.split.spec.name
        # a setting or variant that never ran is assumed to be as fast as others of its method
        pace = paces.get((job.planned.name, data)) or paces.get((_base(job.planned.name), data))
        seconds = None if done or pace is None else pace * len(job.planned.split.pairs)
        forecasts.append(Forecast(job, done, seconds))
    return forecasts


def _paces(jobs: list[Job]) -> Mapping[tuple[str, str], float]:
    """Return the seconds per pair by (method, data set), the median over earlier records."""
    records: list[dict[str, Any]] = []
    for out in {job.options.out for job in jobs}:
        try:
            records += read_records(out)
        except DataNotFoundError:
            continue
    paces: dict[tuple[str, str], list[float]] = {}
    for record in records:
        seconds = sum(record["provenance"]["seconds"].values())
        if record["status"] == "ok" and seconds and record["dataset"]["pairs"]:
            name, data = record["method"]["name"], record["dataset"]["name"]
            for known_as in {name, _base(name)}:
                paces.setdefault((known_as, data), []).append(seconds / record["dataset"]["pairs"])
    return {key: median(values) for key, values in paces.items()}


def _base(name: str) -> str:
    return name.partition("@")[0]
