"""Critical-difference diagrams: mean ranks of methods, and which of them differ no more than chance explains.

Demšar 2006, "Statistical comparisons of classifiers over multiple data sets", JMLR 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusionbench.errors import RequestError
from fusionbench.report.board import Board
from fusionbench.report.figures.drawing import LINE, Drawing
from fusionbench.report.figures.inches import inch_axes, write_caption
from fusionbench.report.figures.options import Options
from fusionbench.report.figures.selection import method_names, one_board, scored_columns, setting
from fusionbench.report.figures.style import FONT, SMALL, Look, looks
from fusionbench.report.figures.text import fit, text_width, wrap
from fusionbench.report.table import Column
from fusionbench.report.text import one_line

LEVEL = 0.05
TITLE, TOP, BAR, LABEL, GAP = 0.14, 0.62, 0.075, 0.155, 0.14  # inches
LEAST_AXIS = 1.2


@dataclass(frozen=True)
class Ranking:
    """The methods of one metric that are compared, all of them on the same ``blocks`` images."""

    column: Column
    methods: tuple[str, ...]
    labels: tuple[str, ...]
    means: tuple[float, ...]
    blocks: int
    critical: float
    cliques: tuple[tuple[int, ...], ...]
    statistic: float
    p: float

    @property
    def height(self) -> float:
        """Inches of the diagram."""
        return TOP + len(self.cliques) * BAR + -(-len(self.means) // 2) * LABEL + GAP


def rank(board: Board, column: Column) -> Ranking | None:
    """Rank the methods on every image; None below two methods that are scored on every image."""
    from fusionbench.report.statistics.paired import complete
    from fusionbench.report.statistics.ranks import cliques, critical_difference, friedman, mean_ranks

    values = board.values(column.metric)
    methods, images = complete(values)
    blocks = int(images.sum())
    if methods.sum() < 2 or blocks < 2:
        return None
    means = mean_ranks(values, column.better)[methods]
    critical = critical_difference(len(means), blocks, LEVEL)
    test = friedman(values, column.better)
    shown = [row for row, kept in zip(board.table.rows, methods, strict=True) if kept]
    return Ranking(
        column,
        tuple(row.method for row in shown),
        tuple(one_line(row.label) for row in shown),
        tuple(float(mean) for mean in means),
        blocks,
        float(critical),
        tuple(tuple(int(i) for i in group) for group in cliques(means, critical)),
        float(test.statistic),
        float(test.p),
    )


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw a diagram for each metric, one below the other. Raises RequestError where no methods can be ranked."""
    from matplotlib.figure import Figure

    board = one_board(boards, "ranks")
    found = [rank(board, column) for column in scored_columns(board, options)]
    rankings = [ranking for ranking in found if ranking]
    if not rankings or (options.metrics and None in found):
        raise RequestError("Ranks need two methods with scores on the same two images or more: score more.")
    caption = " ".join(_sentences(board, rankings))
    lines = wrap(caption, options.width - 0.1, SMALL) if options.caption else []
    height = sum(ranking.height for ranking in rankings) + len(lines) * LINE + 0.05
    figure = Figure(figsize=(options.width, height))
    axes, top = inch_axes(figure), 0.0
    appearance = looks(method_names(boards))
    for ranking in rankings:
        _diagram(axes, ranking, top, options.width, appearance)
        top += ranking.height
    write_caption(axes, lines, top)
    return Drawing(figure, caption)


def _sentences(board: Board, rankings: Sequence[Ranking]) -> list[str]:
    """The caption; methods and images that could not be ranked are named."""
    table = board.table
    labels = {row.method: one_line(row.label) for row in table.rows}
    gone = [
        f"{r.column.metric}: {', '.join(label for name, label in labels.items() if name not in r.methods)}"
        for r in rankings
        if len(r.methods) < len(labels)
    ]
    return [
        (
            f"Mean ranks over images, 1 = best. A bar joins methods that differ by less than the critical difference CD "
            f"of the Nemenyi test at {LEVEL:g} (Demšar 2006)."
        ),
        *([f"Methods without a score on every image are left out: {'; '.join(gone)}."] if gone else []),
        setting([board]),
    ]


def _diagram(axes: Any, ranking: Ranking, top: float, width: float, appearance: Mapping[str, Look]) -> None:
    last = len(ranking.means)
    margin = min((width - LEAST_AXIS) / 2, max(text_width(t, FONT) for t in ranking.labels) + 0.62)
    unit = (width - 2 * margin) / (last - 1)
    line = top + TOP - 0.12
    _heading(axes, ranking, top)
    _axis(axes, margin, line, unit, last)
    _critical(axes, ranking, margin, line - 0.24, unit, last)
    for i, group in enumerate(ranking.cliques):
        ends = [margin + (ranking.means[j] - 1) * unit for j in group]
        y = line + BAR * (i + 1)
        axes.plot([min(ends) - 0.03, max(ends) + 0.03], [y, y], color="0.25", linewidth=2.4)
    below = line + BAR * (len(ranking.cliques) + 1)
    _labels(axes, ranking, (margin, line, unit, below, width), appearance)


def _heading(axes: Any, ranking: Ranking, top: float) -> None:
    column, last = ranking.column, len(ranking.means)
    p = f"p = {ranking.p:.2g}" if ranking.p >= 1e-4 else "p < 0.0001"
    axes.text(0.05, top + TITLE, f"{column.metric} {column.arrow}", weight="bold", va="baseline")
    told = f"{ranking.blocks} images, Friedman χ²({last - 1}) = {ranking.statistic:.1f}, {p}"
    offset = text_width(f"{column.metric} {column.arrow}", FONT) * 1.15 + 0.2
    axes.text(offset, top + TITLE, told, color="0.3", fontsize=SMALL, va="baseline")


def _axis(axes: Any, left: float, y: float, unit: float, last: int) -> None:
    axes.plot([left, left + (last - 1) * unit], [y, y], color="black", linewidth=0.8)
    step = max(1, round(0.14 / unit))
    for number in range(1, last + 1):
        x = left + (number - 1) * unit
        axes.plot([x, x], [y - 0.05, y], color="black", linewidth=0.8)
        if (number - 1) % step == 0:
            axes.text(x, y - 0.065, str(number), ha="center", va="bottom", fontsize=SMALL)


def _critical(axes: Any, ranking: Ranking, left: float, y: float, unit: float, last: int) -> None:
    """The critical difference to the scale of the axis; in words alone where it is longer than that."""
    text, ends = f"CD = {ranking.critical:.2f}", left
    if ranking.critical <= last - 1:
        ends = left + ranking.critical * unit
        axes.plot([left, ends], [y, y], color="black", linewidth=1.2)
        for x in (left, ends):
            axes.plot([x, x], [y - 0.03, y + 0.03], color="black", linewidth=1.2)
        ends += 0.06
    else:
        text += ", longer than the axis: no two methods differ"
    axes.text(ends, y, text, ha="left", va="center", fontsize=SMALL)


def _labels(axes: Any, ranking: Ranking, place: tuple[float, ...], appearance: Mapping[str, Look]) -> None:
    """The better half to the left, the rest to the right, the outermost ranks uppermost."""
    margin, line, unit, below, width = place
    order = sorted(range(len(ranking.means)), key=lambda i: (ranking.means[i], i))
    half = -(-len(order) // 2)
    sides = [(i, 1, depth) for depth, i in enumerate(order[:half])]
    sides += [(i, -1, depth) for depth, i in enumerate(reversed(order[half:]))]
    for i, side, depth in sides:
        look, mean = appearance[ranking.methods[i]], ranking.means[i]
        x, y = margin + (mean - 1) * unit, below + (depth + 0.4) * LABEL
        end = margin - 0.08 if side > 0 else width - margin + 0.08
        axes.plot([x, x, end], [line, y, y], color=look.color, linewidth=0.8)
        axes.plot([x], [line], look.marker, color=look.color, markersize=4, zorder=3)
        number = f"{mean:.2f}"
        label = fit(ranking.labels[i], margin - 0.55, FONT)
        text = f"{label}  {number}" if side > 0 else f"{number}  {label}"
        axes.text(end - side * 0.04, y, text, ha="right" if side > 0 else "left", va="center")
