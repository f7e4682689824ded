"""Finished trainings of a method with settings other than those asked for, to suggest what the user may have meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionbench.cells.planned import PlannedCell
from fusionbench.data.training_data import TrainingData


@dataclass(frozen=True)
class Training:
    """A finished training: the file of its weights and the content of the JSON file beside it."""

    weights: Path
    about: Mapping[str, Any]

    @property
    def epochs(self) -> str:
        stages = self.about["config"]["stages"]
        return " + ".join(str(recipe["epochs"]) for recipe in stages.values())


def finished_trainings(cell: PlannedCell, data: TrainingData, out: Path) -> list[Training]:
    """Return the trainings of a cell's method with its arguments on these data, sorted by the time they finished."""
    finished = []
    # weights.json is written last, so trainings that are not finished are not found
    for path in sorted((out / "training" / data.name / cell.method.name).glob("*/weights.json")):
        about = _about(path)
        weights = path.with_suffix(".safetensors")
        if about is not None and about["arguments"] == cell.config.args and weights.is_file():
            finished.append(Training(weights, about))
    return sorted(finished, key=lambda training: str(training.about["finished"]))


def training_hint(cell: PlannedCell, data: TrainingData | None, out: Path) -> str:
    """Return a sentence that names weights trained with other settings and how to use them; empty if there are none."""
    trainings = finished_trainings(cell, data, out) if data is not None else []
    if not trainings:
        return ""
    latest = trainings[-1]
    settings = " ".join(_differing(cell, latest.about))
    add = f"add {settings}, or " if settings else ""
    plural = "epoch" if latest.epochs == "1" else "epochs"
    return f"Weights of {latest.epochs} {plural} exist: {add}--weights latest takes them."


def _about(path: Path) -> dict[str, Any] | None:
    """Return the content of the JSON file beside weights, None if it was not written by a training."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(about, dict) and {"arguments", "config", "finished", "identity"} <= about.keys()
    return about if known else None


def _differing(cell: PlannedCell, about: Mapping[str, Any]) -> list[str]:
    """Return, as ``key=value`` overrides, the settings of the stages in which a training differs from the cell's."""
    asked = cell.config.as_dict()["stages"]
    return [
        f"stages.{stage}.{key}={value}"
        for stage, recipe in about["config"]["stages"].items()
        for key, value in recipe.items()
        if stage in asked and asked[stage].get(key) != value
    ]
