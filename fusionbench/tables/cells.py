"""Cells of tables from scores of single images: a mean over all pairs, or the number of pairs with a score."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fusionbench.files import paused_collector
from fusionbench.metrics.tasks import PROFILE, is_task_metric
from fusionbench.tables.model import Column, TableCell, printed, shorten

if TYPE_CHECKING:
    from numpy import ndarray
    from pandas import DataFrame

Record = Mapping[str, Any]


class ImageScore(NamedTuple):
    """The score of one image and metric; ``value`` is None unless the status is ok, ``note`` is a footnote of the cell."""

    status: str
    value: float | None
    detail: str
    note: str = ""


class ArrayScores(Mapping[str, ImageScore]):
    """Scores by image that are stored in arrays."""

    @abstractmethod
    def values_of(self, images: Sequence[str]) -> ndarray:
        """Return the values of images, float64 [images], NaN for an image without an ok score."""


Scores = dict[str, dict[str, Mapping[str, ImageScore]]]  # metric -> version -> image -> score
Index = Mapping[tuple[str, str, str], Scores]  # (data set, split, run) -> scores


@paused_collector()
def index_scores(
    scores: DataFrame | Iterable[tuple[Any, ...]], profile: str
) -> dict[tuple[str, str, str], Scores]:
    """Return the scores of one profile by (data set, split, run), then metric, version and image.

    For an image scored twice, for example by two folders with the same run, the ok score is kept. Scores stored as
    arrays (`fusionbench.cells.columns.StoredScores`) are not copied.
    """
    # a data frame has this attribute, and must not be tested against the protocol
    if not hasattr(scores, "columns"):
        from fusionbench.tables.columns import ColumnarScores, index_columns

        if isinstance(scores, ColumnarScores):
            return index_columns(scores, profile)
    index: dict[tuple[str, str, str], Scores] = {}
    for row in _rows(scores):
        if row[3] in (profile, PROFILE):  # scores of downstream tasks belong to every profile
            add_row(index, row)
    return index


def add_row(index: dict[tuple[str, str, str], Scores], row: tuple[Any, ...]) -> None:
    """Add a row of the long format to an index."""
    dataset, split, run, _, metric, version, image, status, value, detail, *note = row
    versions = index.setdefault((dataset, split, run), {}).setdefault(metric, {})
    images = versions.setdefault(str(version), {})
    if not isinstance(images, dict):
        images = versions[str(version)] = dict(images)
    score, earlier = score_of(status, value, detail, *note), images.get(image)
    images[image] = score if earlier is None else max(earlier, score, key=_preference)


def merged_scores(first: Mapping[str, ImageScore], second: Mapping[str, ImageScore]) -> dict[str, ImageScore]:
    """Return the scores of both; for an image scored twice the ok score is kept."""
    images = dict(first)
    for image, score in second.items():
        images[image] = max(images[image], score, key=_preference) if image in images else score
    return images


def _rows(scores: Any) -> Iterable[tuple[Any, ...]]:
    names = ["dataset", "split", "run", "profile", "metric", "version", "image", "status", "value", "detail"]
    return zip(*(scores[n] for n in names), strict=True) if hasattr(scores, "columns") else scores


def score_of(status: str, value: float, detail: object, note: str = "") -> ImageScore:
    """Return a score; a value that is not finite makes it undefined."""
    reason = detail if isinstance(detail, str) else ""  # pandas turns an empty column into NaN
    if status != "ok":
        return ImageScore(status, None, reason)
    if value is None or not math.isfinite(value):
        return ImageScore("undefined", None, reason or "not a finite number")
    return ImageScore("ok", float(value), reason, note)


def _preference(score: ImageScore) -> tuple:
    return score.status == "ok", score.value or 0.0, score.status, score.detail


def measure(record: Record, column: Column, scores: Scores) -> TableCell:
    """Return the cell of one run and a metric of single images, not yet ranked."""
    versions = scores.get(column.metric, {})
    shown = versions.get(column.version, {})
    ids = record["dataset"]["ids"]
    if isinstance(shown, ArrayScores):
        values = [value for value in shown.values_of(ids).tolist() if not math.isnan(value)]
    else:
        scored = (shown.get(image) for image in ids)
        values = [score.value for score in scored if score is not None and score.value is not None]
    if ids and len(values) == len(ids):
        # fsum rounds once, so the order of the scores does not change a digit
        mean = math.fsum(values) / len(values)
        return TableCell(column.metric, mean, printed(mean, column.digits), len(ids), len(ids), "ok")
    fallback = _unscored(record, versions)
    outcomes = [shown.get(i) or fallback.get(i, fallback[None]) for i in ids]
    own = {
        entry.get("detail", "") for entry in record.get("images", {}).values()
    }  # already in the row's footnote
    return _gap(column, outcomes, own if record["status"] != "ok" else set())


def _unscored(record: Record, versions: Mapping[str, object]) -> dict[str | None, ImageScore]:
    """Return what images without a score count as, by id; None stands for those that the record does not mention."""
    reasons = {
        image: ImageScore(entry["status"], None, entry.get("detail", ""))
        for image, entry in record.get("images", {}).items()
        if entry["status"] != "ok"
    }
    if record["status"] != "ok":
        rest = ImageScore(record["status"], None, "")  # the row's footnote has the detail
    else:
        other = ", ".join(sorted(versions, key=version_key))
        rest = ImageScore("skipped", None, f"scored by version {other} only" if other else "not scored")
    return reasons | {None: rest}


def _gap(column: Column, outcomes: Sequence[ImageScore], own: Set[str]) -> TableCell:
    reasons = Counter((score.status, score.detail) for score in outcomes if score.value is None)
    status, detail = min(reasons, key=lambda reason: (-reasons[reason], reason), default=("skipped", ""))
    pairs, ok = len(outcomes), sum(score.value is not None for score in outcomes)
    count = reasons[status, detail]
    cell = TableCell(column.metric, None, f"– ({ok}/{pairs})", ok, pairs, status, detail)
    if not detail or detail in own:
        return cell
    where = "" if count == pairs else f" on {count} of {pairs} pairs"
    others = pairs - ok - count
    rest = f"; {others} more for other reasons" if others else ""
    return replace(cell, note=f"{status}{where}: {told(status, detail)}{rest}")


def told(status: str, detail: str) -> str:
    """Return a reason shortened for a footnote; for "unavailable" it is longer, because it contains the remedy."""
    return shorten(detail, 400 if status == "unavailable" else 120)


def name_notes(cells: Iterable[TableCell]) -> tuple[TableCell, ...]:
    """Return cells with the names of metrics that share a note in front of it, so that a row needs one footnote only."""
    cells = tuple(cells)
    metrics: dict[str, list[str]] = {}
    for cell in cells:
        metrics.setdefault(cell.note, []).append(cell.metric)
    return tuple(
        replace(cell, note=f"{', '.join(metrics[cell.note])} {cell.note}") if cell.note else cell
        for cell in cells
    )


def version_key(version: str) -> tuple:
    """Return a sort key by which version 10 comes after 9."""
    parts = version.split(".")
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


WHOLE_SET = ""  # the image in scores of whole sets, as in `fusionbench.cells.score_lines`


def common_setting(metric: str, version: str, rows: Iterable[Scores]) -> str:
    """Return the setting (towers and kernel) with which most rows were scored; others are not comparable with it."""
    scores = (row.get(metric, {}).get(version, {}).get(WHOLE_SET) for row in rows)
    counts = Counter(score.detail for score in scores if score is not None and score.status == "ok")
    return min(counts, key=lambda setting: (-counts[setting], setting), default="")


def table_cell(record: Record, column: Column, scores: Scores) -> TableCell:
    """Return the cell of one run and metric, of single images or a set, not yet ranked."""
    return measure_set(record, column, scores) if column.per == "set" else measure(record, column, scores)


def measure_set(record: Record, column: Column, scores: Scores) -> TableCell:
    """Return the cell of one run and set-level metric, not yet ranked."""
    pairs = len(record["dataset"]["ids"])
    versions = scores.get(column.metric, {})
    score = versions.get(column.version, {}).get(WHOLE_SET) or _unscored_set(record, versions)
    if score.value is not None and score.detail != column.setting:
        score = ImageScore("skipped", None, f"computed with {score.detail}, the others with {column.setting}")
    if score.value is not None:
        text = printed(score.value, column.digits)
        return TableCell(column.metric, score.value, text, pairs, pairs, "ok", note=score.note)
    note = f"{score.status}: {told(score.status, score.detail)}" if score.detail else ""
    # a downstream network is tested on a part of the pairs, so that no count of them says what is missing
    text = "–" if is_task_metric(column.metric) else f"– (0/{pairs})"
    return TableCell(column.metric, None, text, 0, pairs, score.status, score.detail, note=note)


def _unscored_set(record: Record, versions: Mapping[str, object]) -> ImageScore:
    if record["status"] != "ok":
        return ImageScore(record["status"], None, "")  # the row's own footnote gives the detail
    other = ", ".join(sorted(versions, key=version_key))
    return ImageScore("skipped", None, f"scored by version {other} only" if other else "not scored")


def set_sentences(columns: Sequence[Column], pairs: int) -> Iterator[str]:
    """Yield sentences on the columns whose cells are one value for all images, with their settings."""
    settings: dict[str, list[str]] = {}
    tasks: dict[str, list[str]] = {}
    for column in columns:
        if column.per == "set":
            kind = tasks if is_task_metric(column.metric) else settings
            kind.setdefault(column.setting, []).append(column.metric)
    for setting, metrics in tasks.items():
        how = f", {setting}" if setting else ""
        yield f"{', '.join(metrics)}: downstream task{how}."
    for setting, metrics in settings.items():
        with_what = f"; computed with {setting}" if setting else ""
        yield f"{', '.join(metrics)}: one value for the set of {pairs} images, no mean, on colors where there are{with_what}."
