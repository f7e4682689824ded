"""Stages of trainings below given folders, in the order of training."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fusionbench.errors import DataNotFoundError


class Stage(NamedTuple):
    """The folder of one stage; ``training`` names its training if a figure shows several, and is empty otherwise."""

    folder: Path
    training: str

    @property
    def title(self) -> str:
        return f"{self.training} · {self.folder.name}" if self.training else self.folder.name


def find_stages(folders: Sequence[Path]) -> list[Stage]:
    """Return all stages with logs below the folders. Raises DataNotFoundError for a folder without any."""
    stages = {stage.resolve(): stage for folder in folders for stage in _stages(folder)}.values()
    names = _names(list(dict.fromkeys(stage.parent for stage in stages)))
    return [Stage(stage, names[stage.parent]) for stage in stages]


def _stages(folder: Path) -> list[Path]:
    """Return the folders of stages below a given one, sorted by training and order of stages."""
    stages = {log.parent.parent for log in folder.rglob("csv-*/metrics.csv")}
    if not stages:
        raise DataNotFoundError(
            f"No training log below '{folder}': give a folder that `fusionbench train` or `run` wrote, such as "
            "runs/training/<data set>/<method>/<id>."
        )
    return sorted(stages, key=lambda stage: (stage.parent, _order(stage), stage.name))


def _names(trainings: Sequence[Path]) -> dict[Path, str]:
    """Return a name for each training: its method, with the training's identity if a method occurs twice."""
    if len(trainings) == 1:
        return {trainings[0]: ""}
    methods = {training: training.resolve().parent.name for training in trainings}
    uses = Counter(methods.values())
    return {
        training: name if uses[name] == 1 else f"{name} {training.resolve().name}"
        for training, name in methods.items()
    }


def _order(stage: Path) -> int:
    """Return the position of a stage in its training; 0 as long as the card of the weights is not written."""
    names = list(_about(stage.parent).get("identity", {}).get("stages", {}))
    return names.index(stage.name) if stage.name in names else 0


def trainings_sentence(stages: Sequence[Stage]) -> list[str]:
    """Return a sentence on each training: its method, data sets and pairs, or its folder if it is not finished."""
    names = {stage.folder.parent: stage.training for stage in stages}
    return [_sentence(training, name) for training, name in names.items()]


def _sentence(training: Path, name: str) -> str:
    about = _about(training)
    if not about:
        *_, dataset, method, identity = ("", "", *training.resolve().parts)
        return f"{method} on {dataset} (training {identity}, not finished)."
    data = " and ".join(
        f"{part['name']} ({part['split']} split, {part['pairs']} pairs)" for part in about["datasets"]
    )
    return f"{name or about['method']} on {data}."


def _about(training: Path) -> dict[str, Any]:
    card = training / "weights.json"
    return json.loads(card.read_text(encoding="utf-8")) if card.exists() else {}
