"""The metrics of downstream tasks: mIoU, IoU of a class, mAP, AP of a class. This module does not load torch."""

from __future__ import annotations

from collections.abc import Iterable

from fusionbench.errors import RequestError
from fusionbench.metrics.profiles import resolve
from fusionbench.metrics.registry import CANONICAL, MetricCard

VERSION = 1  # to be raised whenever values of the same predictions change
PROFILE = "downstream"  # the profile of their scores, which no definition of a fusion metric affects
FROZEN = "@frozen"  # suffix of metrics measured by one network that was trained on visible images
MAIN = {"segment": ("mIoU",), "detect": ("mAP50", "mAP50-95")}

IOU = (
    "intersection over union of predicted and annotated pixels, counted over all test images; a class that is annotated in "
    "none of them has no value and is left out of the mean; ignored pixels do not count"
)
AP = (
    "COCO's average precision over 101 recall levels, at most 100 detections an image; a class that is annotated in none "
    "of the test images has no value and is left out of the mean; boxes without area are no objects"
)
# kind of metric -> title, convention, DOI
KINDS = {
    "mIoU": ("mean IoU", IOU, "10.1007/s11263-014-0733-5"),
    "IoU": ("IoU", IOU, "10.1007/s11263-014-0733-5"),
    "mAP50": ("mean AP at IoU 0.5", AP, "10.1007/978-3-319-10602-1_48"),
    "AP50": ("AP at IoU 0.5", AP, "10.1007/978-3-319-10602-1_48"),
    "mAP50-95": ("mean AP over IoU 0.5 to 0.95", AP, "10.1007/978-3-319-10602-1_48"),
    "AP50-95": ("AP over IoU 0.5 to 0.95", AP, "10.1007/978-3-319-10602-1_48"),
}


def is_task_metric(name: str) -> bool:
    """Tell whether a name is that of a downstream task's metric, such as mIoU, IoU:car or mAP50@frozen."""
    return name.removesuffix(FROZEN).partition(":")[0] in KINDS


def task_card(name: str) -> MetricCard:
    """Return the card of a downstream task's metric. Raises KeyError for any other name."""
    kind, _, class_name = name.removesuffix(FROZEN).partition(":")
    title, convention, doi = KINDS[kind]
    of = f" of {class_name}" if class_name else ""
    frozen = ", one network trained on visible images" if name.endswith(FROZEN) else ""
    return MetricCard(
        name, f"{title}{of}{frozen}", "higher", "", (0.0, 1.0), convention, doi, per="set", version=VERSION
    )


def task_cards(names: Iterable[str]) -> dict[str, MetricCard]:
    """Return the cards of those names that are metrics of a task: means first, then classes, in their order."""
    metrics = [name for name in dict.fromkeys(names) if is_task_metric(name)]
    return {name: task_card(name) for name in sorted(metrics, key=_order)}


def _order(name: str) -> tuple[bool, int, bool]:
    kind, _, class_name = name.removesuffix(FROZEN).partition(":")
    return name.endswith(FROZEN), list(KINDS).index(kind) if not class_name else len(KINDS), kind == "AP50-95"


def resolve_shown(names: str | Iterable[str] | None, profile: str = CANONICAL) -> list[str]:
    """Return the names of metrics to show in the given order: those of tasks as given, the others by `resolve`.

    Raises as `resolve` does.
    """
    if names is None:
        return resolve(None, profile)
    asked = [part.strip() for part in (names.split(",") if isinstance(names, str) else names)]
    asked = [name for name in asked if name]
    if not asked:
        raise RequestError("No metric is asked for: name some, comma-separated.")
    shown: list[str] = []
    for name in asked:
        shown += [_spelled(name)] if is_task_metric(_spelled(name)) else resolve(name, profile)
    return list(dict.fromkeys(shown))


def _spelled(name: str) -> str:
    """Return a task's metric with its kind as the card spells it; any other name unchanged."""
    kind, colon, class_name = name.partition(":")
    bare = kind.lower().removesuffix(FROZEN)
    known = {other.lower(): other for other in KINDS} | {"map50:95": "mAP50-95"}
    if bare not in known:
        return name
    return known[bare] + (FROZEN if kind.lower().endswith(FROZEN) else "") + colon + class_name
