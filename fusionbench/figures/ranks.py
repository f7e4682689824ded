"""Critical-difference diagrams: mean ranks of methods, with bars over groups that do not differ significantly.

Demšar 2006, "Statistical comparisons of classifiers over multiple data sets", JMLR 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fusionbench.errors import RequestError
from fusionbench.figures.drawing import LINE, Drawing, fit, inch_axes, text_width, wrap, write_caption
from fusionbench.figures.options import Options, method_names, one_board, scored_columns, setting
from fusionbench.figures.style import FONT, SMALL, Look, looks
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, one_line

LEVEL = 0.05


def rank(board: Board, column: Column) -> RankComparison | None:
    """Rank the methods on each image; None for fewer than two methods or images with all scores."""
    from fusionbench.statistics.paired import complete
    from fusionbench.statistics.ranks import cliques, critical_difference, friedman, mean_ranks

    values = board.values(column.metric)
    methods, images = complete(values)
    blocks = int(images.sum())
    if methods.sum() < 2 or blocks < 2:
        return None
    means = mean_ranks(values, column.better)[methods]
    critical = critical_difference(len(means), blocks, LEVEL)
    test = friedman(values, column.better)
    shown = [row for row, kept in zip(board.table.rows, methods, strict=True) if kept]
    return RankComparison(
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
    """Draw a diagram for each metric, one below the other. Raises RequestError if no methods can be ranked."""
    from matplotlib.figure import Figure

    board = one_board(boards, "ranks")
    ranked = [rank(board, column) for column in scored_columns(board, options)]
    rankings = [ranking for ranking in ranked if ranking]
    if not rankings or (options.metrics and None in ranked):
        raise RequestError("Ranks need two methods with scores on the same two images or more: score more.")
    caption = " ".join(_sentences(board, rankings))
    lines = wrap(caption, options.width - 0.1, SMALL) if options.caption else []
    place = common_layout(rankings, options.width)
    height = sum(ranking.height(place.row) for ranking in rankings) + len(lines) * LINE + 0.05
    figure = Figure(figsize=(options.width, height))
    axes, top = inch_axes(figure), 0.0
    appearance = looks(method_names(boards))
    for ranking in rankings:
        draw_diagram(axes, ranking, top, place, appearance)
        top += ranking.height(place.row)
    write_caption(axes, lines, top)
    return Drawing(figure, caption)


def _sentences(board: Board, rankings: Sequence[RankComparison]) -> list[str]:
    """Return the sentences of the caption, with the methods and images that could not be ranked."""
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


TITLE, TOP, BAR, GAP = 0.14, 0.62, 0.075, 0.14  # inches
# inches: shortest axis of ranks; room for a mean rank and the line to its label
LEAST_AXIS, NUMBER = 1.1, 0.46


@dataclass(frozen=True)
class RankComparison:
    """The ranking of methods by one metric, all of them on the same ``blocks`` images.

    ``means`` are mean ranks, ``critical`` is the critical difference, ``cliques`` are groups of indices of methods
    that do not differ significantly; ``statistic`` and ``p`` are those of Friedman's test.
    """

    column: Column
    methods: tuple[str, ...]
    labels: tuple[str, ...]
    means: tuple[float, ...]
    blocks: int
    critical: float
    cliques: tuple[tuple[int, ...], ...]
    statistic: float
    p: float

    def height(self, row: float) -> float:
        """Return the height of the diagram in inches, with ``row`` inches for each label."""
        return TOP + len(self.cliques) * BAR + -(-len(self.means) // 2) * row + GAP


class Layout(NamedTuple):
    """Width of the figure, of the labels on each side, and height of a label, all in inches; font size in points."""

    width: float
    margin: float
    row: float
    size: float

    def label(self, text: str) -> str:
        """Return a label in one or two lines, as its height allows."""
        if self.size == FONT:
            return text
        room = self.margin - NUMBER
        first, *rest = wrap(text, room, self.size)
        return "\n".join(fit(line, room, self.size) for line in (first, " ".join(rest)) if line)


def common_layout(rankings: Sequence[RankComparison], width: float) -> Layout:
    """Return one layout for all diagrams of a figure: labels in one line if there is room, else in two."""
    needed = max(text_width(text, FONT) for ranking in rankings for text in ranking.labels) + NUMBER + 0.03
    most = (width - LEAST_AXIS) / 2
    return Layout(width, needed, 0.155, FONT) if needed <= most else Layout(width, most, 0.24, SMALL)


def draw_diagram(
    axes: Any, ranking: RankComparison, top: float, place: Layout, appearance: Mapping[str, Look]
) -> None:
    """Draw one diagram below y = ``top`` on axes in inches."""
    last, margin = len(ranking.means), place.margin
    unit = (place.width - 2 * margin) / (last - 1)
    line = top + TOP - 0.12
    _heading(axes, ranking, top)
    _axis(axes, margin, line, unit, last)
    _critical(axes, ranking, margin, line - 0.24, unit, last)
    for i, group in enumerate(ranking.cliques):
        ends = [margin + (ranking.means[j] - 1) * unit for j in group]
        y = line + BAR * (i + 1)
        axes.plot([min(ends) - 0.03, max(ends) + 0.03], [y, y], color="0.25", linewidth=2.4)
    below = line + BAR * (len(ranking.cliques) + 1)
    for i, side, depth in _sides(ranking.means):
        look, mean = appearance[ranking.methods[i]], ranking.means[i]
        x, y = margin + (mean - 1) * unit, below + (depth + 0.4) * place.row
        end = margin - 0.08 if side > 0 else place.width - margin + 0.08
        axes.plot([x, x, end], [line, y, y], color=look.color, linewidth=0.8)
        axes.plot([x], [line], look.marker, color=look.color, markersize=4, zorder=3)
        _label(axes, end, y, side, f"{mean:.2f}", place.label(ranking.labels[i]), place.size)


def _sides(means: Sequence[float]) -> list[tuple[int, int, int]]:
    """Place the labels: the better half left (1), the rest right (-1), on each side the outermost rank at the top."""
    order = sorted(range(len(means)), key=lambda i: (means[i], i))
    half = -(-len(order) // 2)
    left = [(i, 1, depth) for depth, i in enumerate(order[:half])]
    return left + [(i, -1, depth) for depth, i in enumerate(reversed(order[half:]))]


def _label(axes: Any, x: float, y: float, side: int, number: str, label: str, size: float) -> None:
    """Write a method's mean rank beside the diagram and its name outside of it."""
    align = "right" if side > 0 else "left"
    axes.text(x - side * 0.04, y, number, ha=align, va="center", fontsize=size)
    axes.text(
        x - side * (NUMBER - 0.08), y, label, ha=align, va="center", fontsize=size, linespacing=1.0,
        multialignment=align,
    )  # fmt: skip


def _heading(axes: Any, ranking: RankComparison, top: float) -> None:
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


def _critical(axes: Any, ranking: RankComparison, left: float, y: float, unit: float, last: int) -> None:
    """Draw the critical difference to the scale of the axis, or only its number if it is longer than the axis."""
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
