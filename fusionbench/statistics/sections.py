"""Statistics as tables and sentences for readers, as Markdown or on a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from numpy import ndarray
from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from fusionbench.metrics.tasks import is_task_metric
from fusionbench.statistics.significance import smallest_p
from fusionbench.statistics.summary import MetricStatistics, Summary
from fusionbench.statistics.tasks import task_grids
from fusionbench.tables.formats.markdown import escape
from fusionbench.tables.grid import Grid, render_grid
from fusionbench.tables.model import one_line, printed

if TYPE_CHECKING:
    from rich.console import Console

    from fusionbench.statistics.summary import Summary

NONE = "–"


@dataclass(frozen=True)
class Lines:
    """Sentences with a title."""

    title: str
    lines: tuple[str, ...]


def sections(summary: Summary) -> Iterator[Grid | Lines]:
    """Yield the sections of the statistics of one board."""
    # downstream metrics alone leave nothing to pair over images; their own grid says what is compared
    if any(not is_task_metric(column.metric) for column in summary.board.table.columns):
        yield Lines("Compared", tuple(_compared(summary)))
    if summary.metrics:
        yield _means(summary)
    if any(metric.friedman is not None for metric in summary.metrics):
        yield _ranks(summary)
        yield _groups(summary)
    if len(summary.agreement.metrics) > 1 and len(summary.agreement.methods) > 1:
        yield _agreement(summary)
    yield from task_grids(summary.board, summary.level)
    if verdicts := summary.stability.verdicts:
        yield Lines("Would another choice have another winner?", verdicts)
    if summary.lessons:
        yield Lines("Worth knowing", summary.lessons)


def heading(summary: Summary) -> str:
    """Return the heading of the statistics of one board."""
    return f"{summary.board.table.heading}: statistics, profile {summary.board.table.profile}"


def _compared(summary: Summary) -> Iterator[str]:
    """Yield sentences on what is compared, and on what is left out with the reasons."""
    overall = summary.overall.comparison
    yield (
        f"Paired over images: {len(overall.methods)} of {len(summary.board.table.rows)} methods can be compared in all "
        f"of {len(overall.metrics)} metrics, on {overall.images} of {len(summary.board.images)} images; single "
        "metrics are compared over the methods that they score on every image."
    )
    for metric, reason in dict((*summary.left_out, *overall.left_out)).items():
        yield f"Left out: {metric}, {reason}."
    for column in summary.board.table.columns:
        if column.per == "set" and not is_task_metric(column.metric):
            yield f"Left out: {column.metric}, one value for all images and none for single ones."
    for method, reason in overall.excluded:
        yield f"Not compared over all metrics: {method}, {reason}."
    for statistics in summary.metrics:
        if statistics.comparison.unscored:
            yield f"{statistics.column.metric}: {statistics.comparison.unscored} images without a score of any method are left out."


def _means(summary: Summary) -> Grid:
    header = ("Method", *(f"{m.column.metric} {m.column.arrow}" for m in summary.metrics))
    compared = [m for m in summary.metrics if m.comparison.decidable]
    silent = [m.column.metric for m in compared if not _testable(m, summary.alpha)]
    note = f"Mean and {100 * summary.level:g} % interval (studentized bootstrap over images, seed {summary.seed})."
    if len(silent) < len(compared):
        note += (
            f" †: best, or not significantly worse than the best at {summary.alpha:g} (Wilcoxon's signed-rank test, "
            "paired over images, Holm's correction over all pairs of methods)."
        )
    if silent:
        where = "" if len(silent) == len(compared) else f" in {', '.join(silent)}"
        note += f" No †{where}: on so few images no test of so many methods can reach {summary.alpha:g}, whatever the scores."
    return Grid("Means", header, tuple(_method_rows(summary, partial(_mean, summary.alpha))), note)


def _testable(metric: MetricStatistics, alpha: float) -> bool:
    """Tell whether scores of this number of methods and images can differ significantly."""
    scores = metric.comparison
    return scores.decidable and smallest_p(len(scores.methods), scores.images) < alpha


def _mean(alpha: float, metric: MetricStatistics, i: int) -> str:
    mean, low, high = (
        printed(float(ends[i]), metric.column.digits) for ends in (metric.means, metric.low, metric.high)
    )
    spread = f" [{low}, {high}]" if math.isfinite(metric.low[i]) else ""
    return f"{mean}{spread}{' †' if _testable(metric, alpha) and metric.against_best.not_worse[i] else ''}"


def _method_rows(summary: Summary, text: Callable[[MetricStatistics, int], str]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each method that any metric compares, with a dash for metrics that do not."""
    for position, row in enumerate(summary.board.table.rows):
        cells = [
            text(metric, metric.comparison.rows.index(position))
            if position in metric.comparison.rows
            else NONE
            for metric in summary.metrics
        ]
        if any(cell != NONE for cell in cells):
            yield row.label, *cells


def _ranks(summary: Summary) -> Grid:
    overall = summary.overall
    extra = {
        method: (printed(float(rank), 2), f"{points:g}")
        for method, rank, points in zip(
            overall.comparison.methods, overall.mean_ranks, overall.borda, strict=True
        )
        if math.isfinite(rank)
    }
    rows = [
        (label, *cells, *extra.get(label, (NONE, NONE)))
        for label, *cells in _method_rows(summary, lambda metric, i: printed(float(metric.mean_ranks[i]), 2))
    ]
    header = ("Method", *(m.column.metric for m in summary.metrics), "all metrics", "Borda")
    return Grid(
        "Mean ranks",
        header,
        tuple(rows),
        "Mean over images of a method's rank on each image, 1 = best. All metrics: mean over metrics of the rank by mean "
        "score; Borda: methods beaten, summed over metrics.",
    )


def _groups(summary: Summary) -> Grid:
    rows = [
        (
            metric.column.metric,
            "; ".join(", ".join(metric.comparison.methods[i] for i in clique) for clique in metric.cliques)
            or NONE,
            str(metric.comparison.images),
            _number(None if metric.friedman is None else metric.friedman.statistic, 2),
            probability(math.nan if metric.friedman is None else metric.friedman.p),
            _number(metric.critical_difference, 2),
        )
        for metric in summary.metrics
    ]
    return Grid(
        "Groups that ranks cannot tell apart",
        ("Metric", "Groups, best first", "Images", "Friedman's chi-square", "p", "CD"),
        tuple(rows),
        f"Mean ranks within a critical difference (CD) of Nemenyi's test at {summary.alpha:g}. p of every pair by "
        "Nemenyi's test and by Wilcoxon's with Holm's correction are in the JSON document.",
        names=2,
    )


def _agreement(summary: Summary) -> Grid:
    agreement = summary.agreement
    rows = [
        (name, *(_tau(agreement.tau, agreement.by_image, i, j) for j in range(len(agreement.metrics))))
        for i, name in enumerate(agreement.metrics)
    ]
    return Grid(
        "Agreement of metrics",
        ("Metric", *agreement.metrics),
        tuple(rows),
        f"Kendall's tau-b between the orders that two metrics give {len(agreement.methods)} methods: 1 the same, -1 reversed. "
        f"Above the diagonal by means, below it the mean over {agreement.images} images of single images.",
    )


def _tau(means: ndarray, by_image: ndarray, i: int, j: int) -> str:
    if i == j:
        return ""
    return _number(float((means if i < j else by_image)[i, j]), 2)


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None or not math.isfinite(value) else printed(value, digits)


def probability(p: float) -> str:
    """Return p with three decimals, or "< 0.001"."""
    if not math.isfinite(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


_PADDING = 2


def render(summaries: Iterable[Summary]) -> str:
    """Return the statistics as GitHub Markdown."""
    parts = []
    for summary in summaries:
        parts.append(f"## {escape(heading(summary))}\n")
        parts += [_markdown(section) for section in sections(summary)]
    return "\n".join(parts)


def print_statistics(summaries: Iterable[Summary], console: Console) -> None:
    """Print the statistics with Rich; a table too wide for the terminal is continued in further blocks."""
    for summary in summaries:
        console.print(Text(one_line(heading(summary)), style="bold underline"))
        for section in sections(summary):
            console.print(Text(one_line(section.title), style="bold"))
            for block in _blocks(section, console.width):
                console.print(block)
            console.print()


def _markdown(section: Grid | Lines) -> str:
    if isinstance(section, Grid):
        return render_grid(section, "md")
    items = "\n".join(f"- {escape(line)}" for line in section.lines)
    return f"### {escape(section.title)}\n\n{items}\n"


def _blocks(section: Grid | Lines, width: int) -> Iterator[Table | Text]:
    if isinstance(section, Lines):
        yield from (Text(f"• {one_line(line)}") for line in section.lines)
        return
    for columns in _fitting(section, width):
        grid = Table(box=box.HORIZONTALS, pad_edge=False)
        for i in (0, *columns):
            grid.add_column(Text(section.header[i]), justify="right" if i >= section.names else "left")
        for row in section.rows:
            grid.add_row(*(Text(one_line(row[i])) for i in (0, *columns)))
        yield grid
    yield Text(one_line(section.caption), style="dim")


def _fitting(grid: Grid, width: int) -> Iterator[Sequence[int]]:
    """Yield the numbers of the columns after the first for each block, as many as fit, at least one."""
    widths = [max(map(cell_len, column)) + _PADDING for column in zip(grid.header, *grid.rows, strict=True)]
    block: list[int] = []
    for i in range(1, len(widths)):
        if block and sum(widths[j] for j in (0, *block, i)) > width:
            yield block
            block = []
        block.append(i)
    yield block
