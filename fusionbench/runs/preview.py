"""Sentences on what a call is about to do: which rows will train, which cannot run, and where weights come from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from fusionbench.cells.planned import Job, PlannedCell, RunOptions
from fusionbench.cells.trainings.finished import finished_trainings, training_hint
from fusionbench.cells.weights import choose_weights, training_data, untrainable
from fusionbench.data.training_data import TrainingData
from fusionbench.errors import FusionbenchError
from fusionbench.registry.arguments import may_train
from fusionbench.runs.plan import Plan
from fusionbench.tables.runs import SOURCES


def opening(plans: Sequence[Plan]) -> str:
    """Return a summary of the request in one line, shown before the store is read."""
    cells = [cell for plan in plans for cell in plan.cells]
    rows = {cell.name for cell in cells}
    splits = {cell.split.spec.name: len(cell.split.pairs) for cell in cells}
    data = ", ".join(
        f"{name} ({count} {'pair' if count == 1 else 'pairs'})" for name, count in splits.items()
    )
    return f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} on {data}: looking for what is done already."


def preview(jobs: Sequence[Job], done: Collection[int]) -> Iterator[str]:
    """Yield a sentence on how many cells are left, and one for each learned row on its weights.

    There is none for a class without weights that cannot be trained: mostly it has no parameters.
    """
    left = [job for job in jobs if job.index not in done]
    yield f"{len(jobs)} cells, {len(done)} done, {len(left)} left."
    for job in left:
        if job.planned.method.has_class and job.planned.method.card.kind == "learned":
            yield from _of_weights(job)


def _of_weights(job: Job) -> Iterator[str]:
    cell, options = job.planned, job.options
    try:
        weights = job.weights or choose_weights(cell, options)
    except FusionbenchError as error:
        yield f"{cell.label}: unavailable: {error}"
        return
    if weights is not None:
        note = f" ({weights.note})" if weights.note and weights.source != "random" else ""
        yield f"{cell.label}: weights {SOURCES.get(weights.source, weights.source)}{note}."
    elif may_train(cell.method.source):
        data = training_data(cell, options)
        if (why := untrainable(cell, options, data)) is not None or data is None:
            yield f"{cell.label}: unavailable: {why}"
        else:
            yield f"{cell.label}: no weights, would train on {data.in_words()}, {_estimate(cell, data, options)}."


def _estimate(cell: PlannedCell, data: TrainingData, options: RunOptions) -> str:
    """Return the expected duration of a training in words, from earlier ones on the same data if there are any."""
    limit = f", at most {options.train_within:g} min" if options.train_within is not None else ""
    other = training_hint(cell, data, options.out)
    hint = f" ({other.rstrip('.')})" if other else ""
    rates = [_seconds_an_epoch(training.about) for training in finished_trainings(cell, data, options.out)]
    if not rates:
        return f"which is timed on a few steps first{limit}{hint}"
    epochs = sum(recipe.epochs for recipe in cell.config.stages.values())
    return f"about {max(1, round(rates[-1] * epochs / 60))} min by an earlier training{limit}{hint}"


def _seconds_an_epoch(about: Any) -> float:
    epochs = sum(recipe["epochs"] for recipe in about["config"]["stages"].values())
    return float(sum(about["seconds"].values())) / max(1, epochs)
