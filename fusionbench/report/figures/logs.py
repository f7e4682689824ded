"""The stages of trainings below given folders, in the order in which they were trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fusionbench.errors import DataNotFoundError


class Stage(NamedTuple):
    """One stage's folder; ``training`` is the path of its training's folder below the given one."""

    folder: Path
    training: str

    @property
    def title(self) -> str:
        return f"{self.training} · {self.folder.name}" if self.training else self.folder.name


def find_stages(folders: Sequence[Path]) -> list[Stage]:
    """Return every stage with logs. Raises DataNotFoundError for a folder without any."""
    found: list[Stage] = []
    for folder in folders:
        here = {log.parent.parent for log in folder.rglob("csv-*/metrics.csv")}
        if not here:
            raise DataNotFoundError(
                f"No training log below '{folder}': give a folder that `fusionbench train` or `run` wrote, such as "
                "runs/training/<data set>/<method>/<id>."
            )
        trainings = sorted({stage.parent for stage in here})
        alone = len(trainings) == 1 and len(folders) == 1
        for training in trainings:
            stages = sorted((s for s in here if s.parent == training), key=lambda s: (_order(s), s.name))
            found += [Stage(stage, "" if alone else _name(training)) for stage in stages]
    return list({stage.folder.resolve(): stage for stage in found}.values())


def _name(training: Path) -> str:
    """The method, which the folder above the identity's is named by."""
    return training.resolve().parent.name


def _order(stage: Path) -> int:
    """The place of a stage among those of its training; where the card of the weights is not written yet, 0."""
    names = list(_about(stage.parent).get("identity", {}).get("stages", {}))
    return names.index(stage.name) if stage.name in names else 0


def describe(stages: Sequence[Stage]) -> list[str]:
    """Say of each training what was trained on what; of one that is not finished, only its folder's names."""
    return [_sentence(training) for training in dict.fromkeys(stage.folder.parent for stage in stages)]


def _sentence(training: Path) -> str:
    about = _about(training)
    if not about:
        *_, dataset, method, identity = ("", "", *training.resolve().parts)
        return f"{method} on {dataset} (training {identity}, not finished)."
    data = about["dataset"]
    return f"{about['method']} on {data['name']} ({data['split']} split, {data['pairs']} pairs)."


def _about(training: Path) -> dict[str, Any]:
    card = training / "weights.json"
    return json.loads(card.read_text(encoding="utf-8")) if card.exists() else {}
