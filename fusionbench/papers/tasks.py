"""Printed numbers of downstream tasks: their metrics and data sets here, and why they cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator

from fusionbench.data.registry import dataset, datasets
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import UnknownNameError
from fusionbench.papers.printed import Number, plain

KINDS = ("detection", "segmentation")
SCALE = 100.0  # papers print per cent
DETECTION = (
    "-detection"  # suffix of data sets in the catalog with only those pairs of another that have boxes
)


def is_task(number: Number) -> bool:
    """Tell whether a printed number is that of a downstream task."""
    return number.kind in KINDS


def task_dataset(number: Number) -> str:
    """Return the catalog's name of the data set on which a printed number of a task was measured."""
    own = f"{number.dataset}{DETECTION}"
    return own if number.kind == "detection" and own in datasets() else number.dataset


def task_metric(number: Number) -> str | None:
    """Return the name here of a task's printed metric, None if the data set has no such class."""
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
        # papers call the class of unlabelled pixels, the first one, background
        return names.get(plain(printed)) or (spec.labels.classes[0] if printed == "background" else None)
    if spec.boxes is None:
        return None
    number = spec.boxes.number_of(printed)
    return None if number is None else spec.boxes.classes[number]


def task_reasons(number: Number, setting: str) -> Iterator[str]:
    """Yield the reason why a task's number cannot be compared: training and division of the pairs are not the paper's."""
    printed = f"the paper trains {number.note or 'a network that it does not name'} on pairs of its own"
    yield f"{printed}, here {setting}"


def measured(value: float) -> float:
    """Return a value in [0, 1] in per cent, as papers print it."""
    return SCALE * value
