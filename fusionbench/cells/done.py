"""Find what is left to do in a cell, from its files alone and without loading torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fusionbench.cells.columns import ScoreColumns, keep_columns, read_columns
from fusionbench.cells.intact import changed_images
from fusionbench.cells.planned import CellResult, Job
from fusionbench.cells.record import cell_of
from fusionbench.cells.score_lines import FINAL, WHOLE_SET, ScoreKey, set_hash
from fusionbench.cells.store import Cell
from fusionbench.errors import ConfigError, WeightsError
from fusionbench.files import paused_collector
from fusionbench.metrics import MetricCard, cards, definition_of
from fusionbench.metrics.learned.sets_options import options_of, setting_of
from fusionbench.metrics.learned.weight_files import find_weights, made_with
from fusionbench.types import Pair
from fusionbench.weights.methods import Weights

if TYPE_CHECKING:
    from numpy import ndarray


def unfused(cell: Cell, pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs that have no stored fused image, in their order."""
    stored = cell.stored()
    return [pair for pair in pairs if pair.id not in stored]


def missing_metrics(
    cell: Cell, pairs: Sequence[Pair], metrics: Sequence[str], profile: str
) -> dict[str, list[str]]:
    """Return the metrics still to be computed, by pair id; pairs that miss none are left out.

    A score is final when the current version of the metric's definition has a line with a status in `FINAL`. Metrics of
    whole sets are listed under `WHOLE_SET`. A score with the status "unavailable" counts as final while the weights
    that it names are still missing; a value computed with weights other than the present ones does not.
    """
    columns, known = read_columns(cell), cards()
    missing: dict[str, list[str]] = {}
    for name in metrics:
        if known[name].per == "set":
            left = [] if _set_is_final(cell, pairs, name, profile) else [WHOLE_SET]
        else:
            final = _final(columns, known[name], profile)
            scored = {columns.texts[code] for code in columns.column("image")[final]}
            left = [pair.id for pair in pairs if pair.id not in scored]
        for image in left:
            missing.setdefault(image, []).append(name)
    return {image: missing[image] for image in (*(pair.id for pair in pairs), WHOLE_SET) if image in missing}


def _final(columns: ScoreColumns, card: MetricCard, profile: str) -> ndarray:
    """Return which lines, bool [lines], are final scores of a metric of single images."""
    version = str(definition_of(card.name, profile).version)
    own = columns.where(metric=[card.name], version=[version], profile=[profile])
    final = columns.where(status=FINAL)
    if card.weights and (reason := lacking(card.name)) is not None:
        final |= columns.where(status=["unavailable"], detail=[reason])
    elif card.weights:
        # a value made with other weights than the present ones is computed again
        final &= ~columns.where(status=["ok"]) | columns.where(detail=[made_with(card.weights)])
    return own & final


def _set_is_final(cell: Cell, pairs: Sequence[Pair], metric: str, profile: str) -> bool:
    """Tell whether a metric of whole sets has a final score of the same images and, if its networks are here, setting."""
    line = cell.scores().get(ScoreKey(WHOLE_SET, metric, definition_of(metric, profile).version, profile))
    if line is None or line.get("set") != set_hash(pairs):
        return False
    reason = lacking(metric)
    if line["status"] == "unavailable":
        return line["detail"] == reason
    return line["status"] in FINAL and (reason is not None or line.get("setting") == setting_of(metric))


@paused_collector()
def find_done(job: Job) -> CellResult | None:
    """Return the result of a cell that is complete, None for any other cell."""
    if job.options.fresh:
        return None
    # whether a method has parameters is known only after importing it (and torch); a complete cell stored without
    # weights shows that it has none, so both places are looked up
    for weights in filter(None, (job.weights, Weights("none"))):
        cell, pairs = cell_of(job, weights), job.planned.split.pairs
        record = cell.read_record()
        if record is None or record["status"] != "ok" or unfused(cell, pairs) or changed_images(cell, record):
            continue
        if not missing_metrics(cell, pairs, job.metrics, job.options.profile):
            # only metrics with weights can have final scores that are unavailable; those of others would be missing
            needy = [name for name in job.metrics if cards()[name].weights]
            lacks = unavailable_scores(cell, job, needy) if needy else {}
            keep_columns(cell)
            return CellResult(job.planned, cell.path, "ok", unavailable=lacks)
    return None


def lacking(metric: str) -> str | None:
    """Return what to do before a metric can be computed, None if all that it needs is present."""
    card = cards()[metric]
    try:
        if card.per == "set":
            setting_of(metric)
        else:
            for name in card.weights:
                find_weights(name)
    except (WeightsError, ConfigError) as error:
        return str(error)
    return None


def check_options(metrics: Iterable[str]) -> None:
    """Raise ConfigError if the options of a set-level metric cannot be read."""
    for name in metrics:
        if cards()[name].per == "set":
            options_of(name)


def unavailable_scores(cell: Cell, job: Job, metrics: Iterable[str]) -> dict[str, str]:
    """Return, by metric, why it has no value because weights are missing, as stated in the stored lines."""
    scores, profile = cell.scores(), job.options.profile
    reasons: dict[str, str] = {}
    for name in metrics:
        version = definition_of(name, profile).version
        images = [WHOLE_SET] if cards()[name].per == "set" else [pair.id for pair in job.planned.split.pairs]
        for image in images:
            line = scores.get(ScoreKey(image, name, version, profile))
            if line is not None and line["status"] == "unavailable":
                reasons.setdefault(name, line["detail"])
    return reasons
