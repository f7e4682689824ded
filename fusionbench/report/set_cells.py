"""Cells of metrics with one value for all images of a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fusionbench.report.cells import Record, Score, Scores, measure, natural, told
from fusionbench.report.marks import printed
from fusionbench.report.table import Cell, Column

WHOLE_SET = ""  # the image that such a score stands under


def setting_of(metric: str, version: str, found: Iterable[Scores]) -> str:
    """Return with which towers and kernel most rows were scored; rows of another setting are not shown with them."""
    scores = (row.get(metric, {}).get(version, {}).get(WHOLE_SET) for row in found)
    counts = Counter(score.detail for score in scores if score is not None and score.status == "ok")
    return min(counts, key=lambda setting: (-counts[setting], setting), default="")


def cell_of(record: Record, column: Column, scores: Scores) -> Cell:
    """Return the cell of one run and metric of either kind, not yet ranked."""
    return measure_set(record, column, scores) if column.per == "set" else measure(record, column, scores)


def measure_set(record: Record, column: Column, scores: Scores) -> Cell:
    """Return the cell of one run and set-level metric, not yet ranked."""
    pairs = len(record["dataset"]["ids"])
    versions = scores.get(column.metric, {})
    score = versions.get(column.version, {}).get(WHOLE_SET) or _unscored(record, versions)
    if score.value is not None and score.detail != column.setting:
        score = Score("skipped", None, f"computed with {score.detail}, the others with {column.setting}")
    if score.value is not None:
        text = printed(score.value, column.digits)
        return Cell(column.metric, score.value, text, pairs, pairs, "ok")
    note = f"{score.status}: {told(score.status, score.detail)}" if score.detail else ""
    return Cell(column.metric, None, f"– (0/{pairs})", 0, pairs, score.status, score.detail, note=note)


def _unscored(record: Record, versions: Mapping[str, object]) -> Score:
    if record["status"] != "ok":
        return Score(record["status"], None, "")  # the row's own footnote gives the detail
    other = ", ".join(sorted(versions, key=natural))
    return Score("skipped", None, f"scored by version {other} only" if other else "not scored")


def set_sentences(columns: Sequence[Column], pairs: int) -> Iterator[str]:
    """Say in a caption of which columns a cell is one value for all images, and with what it is computed."""
    settings: dict[str, list[str]] = {}
    for column in columns:
        if column.per == "set":
            settings.setdefault(column.setting, []).append(column.metric)
    for setting, metrics in settings.items():
        with_what = f"; computed with {setting}" if setting else ""
        yield f"{', '.join(metrics)}: one value for the set of {pairs} images, no mean, on colors where there are{with_what}."
