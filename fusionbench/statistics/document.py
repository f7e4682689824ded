"""Statistics as a JSON document, and as CSV with one line for each metric and method."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from numpy import ndarray

from fusionbench.statistics.paired import PairedScores
from fusionbench.statistics.stability import WinnerStability, winner_sentence
from fusionbench.statistics.summary import MetricStatistics, Summary
from fusionbench.statistics.tasks import task_documents

CSV = (
    "dataset", "split", "profile", "metric", "version", "method", "label", "images", "mean", "low", "high",
    "mean_rank", "p_against_best", "not_worse",
)  # fmt: skip


def to_json(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Return the statistics as dictionaries, lists, strings, numbers and None, never NaN; matrices in the methods' order."""
    return [_document(summary) for summary in summaries]


def to_csv(summaries: Iterable[Summary]) -> str:
    """Return one line for each data set, metric and compared method, with all digits; missing values are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV, lineterminator="\n")
    writer.writeheader()
    for summary in summaries:
        table = summary.board.table
        where = {"dataset": table.dataset, "split": table.split, "profile": table.profile}
        for metric in summary.metrics:
            known = {"metric": metric.column.metric, "version": metric.column.version}
            writer.writerows(
                where | known | {"images": metric.comparison.images} | row for row in _rows(summary, metric)
            )
    return text.getvalue()


def _document(summary: Summary) -> dict[str, Any]:
    table, overall, tau = summary.board.table, summary.overall, summary.agreement
    return {
        "dataset": table.dataset,
        "title": table.title,
        "split": table.split,
        "pairs": table.pairs,
        "split_hash": table.split_hash,
        "data": table.data,
        "profile": table.profile,
        "level": summary.level,
        "seed": summary.seed,
        "metrics": [_metric(summary, metric) for metric in summary.metrics],
        "left_out": dict(summary.left_out),
        "overall": {
            **_compared(summary, overall.comparison),
            "metrics": list(overall.comparison.metrics),
            "left_out": dict(overall.comparison.left_out),
            "mean_ranks": _plain(overall.mean_ranks),
            "borda": _plain(overall.borda),
        },
        "agreement": {
            "metrics": list(tau.metrics),
            "tau": _plain(tau.tau),
            "by_image": _plain(tau.by_image),
            "images": tau.images,
        },
        "stability": _stability(summary),
        "downstream": task_documents(summary.board, summary.level),
        "lessons": list(summary.lessons),
    }


def _compared(summary: Summary, comparison: PairedScores) -> dict[str, Any]:
    rows = summary.board.table.rows
    return {
        "methods": [rows[i].method for i in comparison.rows],
        "labels": list(comparison.methods),
        "images": comparison.images,
        "unscored": comparison.unscored,
        "excluded": dict(comparison.excluded),
    }


def _metric(summary: Summary, metric: MetricStatistics) -> dict[str, Any]:
    names = [summary.board.table.rows[i].method for i in metric.comparison.rows]
    return {
        "metric": metric.column.metric,
        "version": metric.column.version,
        "better": metric.column.better,
        **_compared(summary, metric.comparison),
        "rows": _rows(summary, metric),
        "friedman": None if metric.friedman is None else asdict(metric.friedman),
        "critical_difference": metric.critical_difference,
        "cliques": [[names[i] for i in clique] for clique in metric.cliques],
        "wilcoxon_holm": _plain(metric.wilcoxon),
        "nemenyi": _plain(metric.nemenyi),
    }


def _rows(summary: Summary, metric: MetricStatistics) -> list[dict[str, Any]]:
    against = metric.against_best
    return [
        {
            "method": summary.board.table.rows[row].method,
            "label": metric.comparison.methods[i],
            "mean": _plain(metric.means[i]),
            "low": _plain(metric.low[i]),
            "high": _plain(metric.high[i]),
            "mean_rank": _plain(metric.mean_ranks[i]),
            "p_against_best": _plain(against.p[i]),
            "not_worse": against.not_worse[i],
        }
        for i, row in enumerate(metric.comparison.rows)
    ]


def _stability(summary: Summary) -> dict[str, Any]:
    stability = summary.stability
    return {
        "overall": None if stability.overall is None else _outcome(stability.overall),
        "metrics": [_outcome(outcome) for outcome in stability.by_metric],
    }


def _outcome(outcome: WinnerStability) -> dict[str, Any]:
    document = asdict(outcome) | {"verdict": winner_sentence(outcome)}
    document["choices"] = [asdict(choice) | {"same": choice.same} for choice in outcome.choices]
    if outcome.halves is not None:
        document["halves"]["wins"] = dict(outcome.halves.wins)
    return document


def _plain(value: ndarray | float) -> Any:
    """Return an array as lists, and NaN as None."""
    if isinstance(value, ndarray) and value.ndim:
        return [_plain(part) for part in value]
    number = float(value)
    return number if math.isfinite(number) else None
