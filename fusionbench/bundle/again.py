"""Recomputing values of whole sets: set-level metrics from stored images, IoU and AP from stored predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.bundle.finding import CheckResult, agree
from fusionbench.cells.score import set_line
from fusionbench.cells.score_lines import WHOLE_SET, ScoreKey, set_hash
from fusionbench.cells.store import Cell
from fusionbench.cells.task_scores import TaskResult, task_results
from fusionbench.data.images import read_label
from fusionbench.data.labels import read_boxes
from fusionbench.data.pairs import Split
from fusionbench.errors import FusionbenchError
from fusionbench.metrics import definition_of
from fusionbench.metrics.tasks import FROZEN, VERSION
from fusionbench.types import Pair

if TYPE_CHECKING:
    from fusionbench.downstream.scoring import ResampledScores, ValueWithInterval

MORE_IMAGES = "`pack --images` puts them into a bundle"


def set_findings(
    cell: Cell, place: str, split: Split, scores: Mapping[ScoreKey, Mapping[str, Any]]
) -> Iterator[CheckResult]:
    """Recompute each set-level metric of a cell from its stored images and compare it with the bundle's value."""
    for key, line in scores.items():
        if key.image == WHOLE_SET and line["status"] == "ok":
            yield _set(cell, f"{place}/scores.jsonl", split, key, line)


def _set(cell: Cell, what: str, split: Split, key: ScoreKey, line: Mapping[str, Any]) -> CheckResult:
    def unchecked(reason: str) -> CheckResult:
        return CheckResult("unchecked", what, f"{key.metric} of the set was not computed again: {reason}")

    try:
        version = definition_of(key.metric, key.profile).version
    except FusionbenchError as error:
        return unchecked(str(error))
    if version != key.version:
        return unchecked(f"it is version {key.version} there and {version} here")
    if line.get("set") != set_hash(split.pairs):
        return unchecked("the pairs here are not those of the set")
    if lacking := {pair.id for pair in split.pairs} - cell.stored():
        return unchecked(f"{len(lacking)} of {len(split.pairs)} images are not in the bundle; {MORE_IMAGES}")
    computed = set_line(cell, split.pairs, key.metric, key.profile, {}, "cpu", lambda *_: None)
    if computed["status"] != "ok":
        return unchecked(computed["detail"])
    if computed["setting"] != line.get("setting"):
        return unchecked(f"here it is {computed['setting']}, there {line.get('setting')}")
    if not agree(computed["value"], line["value"]):
        return CheckResult(
            "wrong", what,
            f"{key.metric} of the stored images is {computed['value']:.6g}, the bundle says {line['value']:.6g}",
        )  # fmt: skip
    return CheckResult(
        "ok", what, f"{key.metric} of all {len(split.pairs)} stored images, computed again, agrees"
    )


def task_findings(cell: Cell, place: str, split: Split) -> Iterator[CheckResult]:
    """Score the stored predictions of each downstream task again and compare; no network is trained."""
    try:
        results = [result for result in task_results(cell.path) if result.ok]
    except FusionbenchError:
        return  # reported already
    for result in results:
        what = f"{place}/{result.path.relative_to(cell.path).as_posix()}"
        try:
            yield _task(result, what, split)
        except (FusionbenchError, ImportError) as error:
            yield CheckResult("unchecked", what, f"predictions were not scored again: {error}")


def _task(result: TaskResult, what: str, split: Split) -> CheckResult:
    from fusionbench.downstream.units import contents

    record, known = result.record, {pair.id: pair for pair in split.pairs}
    pairs = [known[name] for name in record["division"]["test"] if name in known]
    labels = [path for pair in pairs if (path := pair.label if record["task"] == "segment" else pair.boxes)]
    reason = ""
    if record["version"] != VERSION:
        reason = f"their scores are version {record['version']} there and {VERSION} here"
    elif lacking := [path for path in predictions(result) if not path.is_file()]:
        reason = f"{lacking[0].name} is not in the bundle; {MORE_IMAGES}"
    elif len(pairs) < len(record["division"]["test"]):
        reason = "the pairs here are not those of the test"
    elif contents(split.root, labels) != record["identity"]["labels"]:
        reason = "the labels here are not those of the bundle"
    if reason:
        return CheckResult("unchecked", what, f"predictions were not scored again: {reason}")
    return _compared(result, what, _score(result, pairs, split))


def predictions(result: TaskResult) -> list[Path]:
    """Return the files with the predictions of a task's network."""
    if result.record["task"] == "detect":
        return [result.path / "detections.jsonl"]
    return [result.path / "maps" / f"{name}.png" for name in result.record["division"]["test"]]


def _score(result: TaskResult, pairs: Sequence[Pair], split: Split) -> ResampledScores:
    from fusionbench.data.images import read_image
    from fusionbench.downstream.libraries.coco import score_boxes
    from fusionbench.downstream.samples import IGNORED, read_map
    from fusionbench.downstream.scoring import score_maps
    from fusionbench.downstream.testing import read_detections

    classes, spec = tuple(result.record["classes"]), split.spec
    if result.record["task"] == "segment":
        predicted = [read_label(path) for path in predictions(result)]
        return score_maps(predicted, [read_map(pair, spec, pair.b) for pair in pairs], classes, IGNORED)
    assert spec.boxes is not None
    boxes = [
        read_boxes(pair.boxes, spec.boxes, read_image(pair.b).shape[:2], spec.labels)
        for pair in pairs
        if pair.boxes
    ]
    return score_boxes(read_detections(result.path), boxes, classes)


def _compared(result: TaskResult, what: str, computed: ResampledScores) -> CheckResult:
    wrong = []
    for name, line in result.lines.items():
        value = computed.values.get(name.removesuffix(FROZEN))
        if value is None or not _same(value, line):
            shown = "undefined" if value is None or value.value is None else f"{value.value:.6g}"
            wrong.append(f"{name} of the stored predictions is {shown}, the bundle says {line['value']}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return CheckResult("wrong", what, f"{'; '.join(wrong[:3])}{more}")
    return CheckResult(
        "ok", what,
        f"{len(result.lines)} values with their intervals follow from the stored predictions; the network was not trained again",
    )  # fmt: skip


def _same(value: ValueWithInterval, line: Mapping[str, Any]) -> bool:
    ends = zip((value.value, value.low, value.high), (line["value"], line["low"], line["high"]), strict=True)
    return all(here is there or (here is not None and agree(here, there)) for here, there in ends)
