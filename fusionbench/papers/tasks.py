"""Printed numbers of downstream tasks: which of our metrics they are, and what keeps them from being compared."""

from __future__ import annotations

from collections.abc import Iterator

from fusionbench.data.registry import dataset, datasets
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import UnknownNameError
from fusionbench.papers.printed import Number, plain

KINDS = ("detection", "segmentation")
SCALE = 100.0  # papers print per cent
DETECTION = (
    "-detection"  # ends the catalog's name of a data set whose pairs with boxes are a part of their own
)


def is_task(number: Number) -> bool:
    return number.kind in KINDS


def task_dataset(number: Number) -> str:
    """Return the catalog's name of the data set that a printed number of a task was measured on."""
    own = f"{number.dataset}{DETECTION}"
    return own if number.kind == "detection" and own in datasets() else number.dataset


def task_metric(number: Number) -> str | None:
    """Return our name of a printed metric, None where the data set has no such class."""
    text = number.metric.replace("50:95", "50-95")
    kind, _, class_name = text.partition(":")
    if not class_name:
        return kind
    try:
        task_class = _class_of(dataset(task_dataset(number)), kind, class_name)
    except UnknownNameError:
        return None
    return f"{kind}:{task_class}" if task_class else None


def _class_of(spec: DatasetSpec, kind: str, printed: str) -> str | None:
    if kind == "IoU" and spec.labels:
        names = {plain(name): name for name in spec.labels.classes}
        # what is annotated as nothing is what papers call background
        return names.get(plain(printed)) or (spec.labels.classes[0] if printed == "background" else None)
    if spec.boxes is None:
        return None
    number = spec.boxes.number_of(printed)
    return None if number is None else spec.boxes.classes[number]


def task_reasons(number: Number, setting: str) -> Iterator[str]:
    """Say what is not the paper's: the network's training and the division of the pairs decide a task's values."""
    printed = f"the paper trains {number.note or 'a network that it does not name'} on pairs of its own"
    yield f"{printed}, here {setting}"


def measured(value: float) -> float:
    """Return our value in the unit that papers print."""
    return SCALE * value
