"""Computation of one unit: train, test, store. An error is stored as the status of the unit."""

from __future__ import annotations

import json
import time
import traceback
from typing import Any, cast

import numpy as np

from fusionbench.cells.fusing.fuse import failure_from
from fusionbench.cells.planned import Failure
from fusionbench.cells.progress import Reporter
from fusionbench.cells.record import now
from fusionbench.cells.task_scores import BOOTSTRAP, RECORD, SCORES
from fusionbench.downstream.scoring import ResampledScores, ValueWithInterval
from fusionbench.downstream.testing import Predict, score_network
from fusionbench.downstream.units import Unit
from fusionbench.errors import FusionbenchError, OutputError, RequestError, WeightsError
from fusionbench.files import write_json, write_text, write_through
from fusionbench.metrics.tasks import PROFILE, VERSION
from fusionbench.provenance import provenance

SCHEMA = 1


def do_unit(unit: Unit, reporter: Reporter) -> Failure | None:
    """Train and test, write the unit's record and scores, and return why it failed, or None.

    Raises OutputError if results cannot be stored.
    """
    started = time.monotonic()
    try:
        predict = _predictor(unit, reporter)
        trained = time.monotonic()
        score = score_network(unit, predict, reporter)
    except OutputError:
        raise
    except FusionbenchError as error:
        traceback.print_exception(error)
        lacking = isinstance(error, (WeightsError, RequestError))
        return record_unit_failure(unit, Failure("unavailable" if lacking else "failed", str(error)))
    except Exception as error:  # libraries raise exceptions of any class for odd labels or recipes
        return record_unit_failure(unit, failure_from(error))
    seconds = {"train": round(trained - started, 1), "test": round(time.monotonic() - trained, 1)}
    _store(unit, score, seconds)
    return None


def _predictor(unit: Unit, reporter: Reporter) -> Predict:
    if unit.network.recipe.library == "ultralytics":
        from fusionbench.downstream.libraries.yolo import trained_yolo

        return trained_yolo(unit, reporter)
    from fusionbench.downstream.training import trained_network

    return cast(Predict, trained_network(unit, reporter).predict)


def record_unit_failure(unit: Unit, failure: Failure) -> Failure:
    """Write and return a unit's failure, so that tables can say why its cells are empty."""
    write_json(unit.place / RECORD, _record(unit, failure.status, failure.detail, {}))
    return failure


def _store(unit: Unit, score: ResampledScores, seconds: dict[str, float]) -> None:
    """Write scores and resampled values, then the record, which marks the unit as done: a crash before is no result."""
    lines = [_line(unit, unit.marked(name), value) for name, value in score.values.items()]
    write_text(unit.place / SCORES, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
    arrays = {unit.marked(name): values for name, values in score.resampled.items() if values.size}
    if arrays:
        write_through(unit.place / BOOTSTRAP, lambda partial: _save_arrays(partial, arrays))
    record = _record(unit, "ok", "", seconds) | {"metrics": [line["metric"] for line in lines]}
    write_json(unit.place / RECORD, record | {"provenance": provenance(unit.device, unit.seed)})


def _save_arrays(path: Any, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as stream:  # numpy would append a suffix to a file name
        np.savez_compressed(stream, **cast(dict[str, Any], arrays))


def _line(unit: Unit, metric: str, value: ValueWithInterval) -> dict[str, Any]:
    return {
        "run": unit.row.cell.id,
        "image": "",
        "metric": metric,
        "version": VERSION,
        "profile": PROFILE,
        "value": value.value,
        "status": "undefined" if value.value is None else "ok",
        "detail": value.reason,
        "images": len(unit.division.test),
        "set": unit.division.identity["test"],
        "setting": unit.setting,
        "seed": unit.seed,
        "low": value.low,
        "high": value.high,
    }


def _record(unit: Unit, status: str, detail: str, seconds: dict[str, float]) -> dict[str, Any]:
    division, network = unit.division, unit.network
    return {
        "schema": SCHEMA,
        "id": unit.id,
        "identity": unit.identity,
        "run": unit.row.cell.id,
        "method": unit.row.method,
        "task": network.task,
        "network": network.name,
        "title": network.title,
        "protocol": unit.protocol,
        "seed": unit.seed,
        "setting": unit.setting,
        "classes": list(unit.classes),
        "division": {
            "note": division.note,
            "train": [pair.id for pair in division.train],
            "test": [pair.id for pair in division.test],
        },
        "metrics": list(unit.metrics),
        "version": VERSION,
        "status": status,
        "detail": detail,
        "seconds": seconds,
        "finished": now(),
    }
