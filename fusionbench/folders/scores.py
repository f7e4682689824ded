"""Scoring folders of fused images, made anywhere, against their sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.cells.progress import Reporter
from fusionbench.cells.score_lines import WHOLE_SET
from fusionbench.data.fused.fused_folder import FusedFolder
from fusionbench.data.own.folder_pairs import reading_of
from fusionbench.data.raw_counts import CountWatch
from fusionbench.errors import FEW, first_names
from fusionbench.files import write_json, write_through
from fusionbench.folders.request import PairSet, ScorePlan, ScoreRequest, plan_scores
from fusionbench.folders.score_pairs import jobs_of, score_pairs
from fusionbench.folders.sets import score_sets
from fusionbench.folders.table import mean_cells
from fusionbench.metrics import Score, definition_of
from fusionbench.metrics.learned.sets import SetScore

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("image", "metric", "version", "profile", "value", "status", "detail")


@dataclass(frozen=True)
class FolderScores:
    """The scores of one folder: ``scores[image][metric]``, in the order of pairs and metrics.

    A score's status is "ok", "undefined" (the metric has no value for this image), "failed" (the image cannot be read or
    differs in size from its sources) or "unavailable" (the metric's weights are missing); only "ok" has a value.
    ``sets`` are the metrics with one value for all images together. ``warnings`` name images whose values probably have
    another meaning than assumed, for example raw counts.
    """

    name: str
    pairs: PairSet
    folder: FusedFolder
    metrics: tuple[str, ...]
    profile: str
    scores: dict[str, dict[str, Score]]
    sets: dict[str, SetScore] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def failures(self) -> dict[str, str]:
        """The reasons why images (by id, "" for their set) could not be scored; an undefined value is not a failure."""
        return {i: score.detail for i, _, score in self._each() if score.status not in ("ok", "undefined")}

    @property
    def ok(self) -> bool:
        return not self.failures

    @cached_property
    def versions(self) -> dict[str, int]:
        return {metric: definition_of(metric, self.profile).version for metric in self.metrics}

    @property
    def means(self) -> dict[str, float | None]:
        """The mean of each metric over the images, None unless every image has a value; for set metrics their value."""
        return {cell.metric: cell.value for cell in mean_cells(self)}

    def document(self) -> dict[str, Any]:
        """Return all results as dictionaries, lists, strings, numbers and None, never NaN.

        In ``means`` and ``images`` a missing value is None, and ``status`` gives the reason for those images and metrics:
        ``{image: {metric: "undefined: the image is smaller than 11x11 pixels"}}``. ``sets`` has, for each metric with one
        value for all images, its setting and 95 % interval; such a metric is not in ``images``, and its image in
        ``status`` is "".
        """
        return {
            "name": self.name,
            "profile": self.profile,
            "dataset": self.pairs.dataset,
            "split": self.pairs.split,
            "a": str(self.pairs.a),
            "b": str(self.pairs.b),
            "fused": str(self.folder.path),
            "pairs": len(self.pairs.pairs),
            "expected": self.pairs.expected,
            "versions": self.versions,
            "means": self.means,
            "images": {image: {m: s.value for m, s in entry.items()} for image, entry in self.scores.items()},
            "sets": {metric: entry._asdict() for metric, entry in self.sets.items()},
            "status": self._status(),
            "files": {image: path.name for image, path in self.folder.files.items()},
            "extra": [path.name for path in self.folder.extra],
            "warnings": list(self.warnings),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary for each image and metric: image, metric, version, profile, value, status, detail.

        The image of a set metric is "".
        """
        return [
            dict(zip(COLUMNS, (image, metric, self.versions[metric], self.profile, *score), strict=True))
            for image, metric, score in self._each()
        ]

    def frame(self) -> pd.DataFrame:
        """Return `rows` as a data frame; ``value`` is float64, NaN unless the status is "ok"."""
        return _frame(self.rows(), COLUMNS)

    def _each(self) -> Iterator[tuple[str, str, Score]]:
        for image, scores in self.scores.items():
            yield from ((image, metric, score) for metric, score in scores.items())
        for metric, of_set in self.sets.items():
            yield WHOLE_SET, metric, Score(of_set.value, of_set.status, of_set.detail)

    def _status(self) -> dict[str, dict[str, str]]:
        status: dict[str, dict[str, str]] = {}
        for image, metric, score in self._each():
            if score.status != "ok":
                status.setdefault(image, {})[metric] = f"{score.status}: {score.detail}"
        return status


def score(
    fused: str | Path,
    dataset: str | None = None,
    *,
    a: str | Path | None = None,
    b: str | Path | None = None,
    name: str | None = None,
    output: str | Path | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> FolderScores:
    """Score a folder of fused images against the pairs of a data set, or of the folders ``a`` and ``b``.

    ``options`` are further fields of `ScoreRequest`: split, data_root, limit, metrics, profile, jobs. With ``output`` the
    scores are also written to that file, see `write_scores`. Images of 16 bits are rounded to 8. Several folders of the
    same pairs are scored faster in one call of `score_folders`.

    Raises PlanError (a FusionbenchError that lists everything wrong with the request) before any work. An image that
    cannot be scored does not raise: its scores have the status "failed".
    """
    request = ScoreRequest(
        fused=(Path(fused),),
        dataset=dataset,
        a=None if a is None else Path(a),
        b=None if b is None else Path(b),
        name=() if name is None else (name,),
        output=None if output is None else Path(output),
        **options,
    )
    results = score_folders(request, reporter)
    if request.output is not None:
        write_scores(results, request.output)
    return results[0]


def score_folders(request: ScoreRequest, reporter: Reporter | None = None) -> list[FolderScores]:
    """Score each folder of a request, reading the sources and computing their statistics once. Raises PlanError."""
    plan, reporter = plan_scores(request), reporter or Reporter()
    _tell_names(plan, reporter)
    watch = CountWatch()
    by_folder: dict[str, dict[str, dict[str, Score]]] = {name: {} for name in plan.folders}
    reporter.start("score", len(plan.pairs.pairs))
    try:
        # in the order of the pairs, whichever thread is done first: equal calls write equal files
        for pair, scored in zip(plan.pairs.pairs, score_pairs(plan, jobs_of(request, plan)), strict=True):
            for name, scores in scored.scores.items():
                by_folder[name][pair.id] = scores
            watch.add(scored.watch)
            reporter.advance()
    finally:
        reporter.stop()
    results = [
        FolderScores(
            name,
            plan.pairs,
            folder,
            plan.metrics,
            plan.profile,
            by_folder[name],
            score_sets(plan, folder, reporter),
            tuple(watch.warnings()),
        )
        for name, folder in plan.folders.items()
    ]
    for sentence in watch.warnings():
        reporter.say(f"Warning: {sentence}")
    _tell_failures(results, reporter)
    return results


def document_of(results: Sequence[FolderScores]) -> dict[str, Any]:
    """Return the document of one folder, or those of several in a list under ``runs`` with their profile."""
    if len(results) == 1:
        return results[0].document()
    return {"profile": results[0].profile, "runs": [result.document() for result in results]}


def write_scores(results: Sequence[FolderScores], path: Path) -> None:
    """Write CSV or Parquet with a row for each image and metric, or JSON as `document_of`, by the file's suffix.

    With several folders the rows begin with the column ``name``. Raises OutputError if the file cannot be written.
    """
    if path.suffix.lower() == ".json":
        write_json(path, document_of(results))
        return
    columns = COLUMNS if len(results) == 1 else ("name", *COLUMNS)
    frame = _frame([{"name": result.name} | row for result in results for row in result.rows()], columns)
    write = frame.to_csv if path.suffix.lower() == ".csv" else frame.to_parquet
    write_through(path, lambda partial: write(partial, index=False))


def _frame(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd  # here rather than above, because the import takes as long as scoring several images

    return pd.DataFrame(rows, columns=list(columns)).astype({"value": "float64"})


def _tell_names(plan: ScorePlan, reporter: Reporter) -> None:
    """Report how file names were matched and which files are left over, so that a wrong guess is noticed."""
    if plan.pairs.dataset is None and (sentence := reading_of(plan.pairs.pairs)):
        reporter.say(sentence)
    for folder in plan.folders.values():
        image, path = next(iter(folder.files.items()))
        if path.stem != image:
            reporter.say(f"'{path}' is taken for pair '{image}', and so on for all {len(folder.files)}.")
        if folder.extra:
            names = first_names([extra.name for extra in folder.extra])
            reporter.say(f"Not scored, since no pair has their names, are in '{folder.path}': {names}.")


def _tell_failures(results: Sequence[FolderScores], reporter: Reporter) -> None:
    details = list(dict.fromkeys(detail for result in results for detail in result.failures.values()))
    for detail in details[:FEW]:
        reporter.say(detail)
    if len(details) > FEW:
        reporter.say(f"{len(details) - FEW} more images could not be scored.")
