"""Quality against cost, with the Pareto front of the methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fusionbench.figures.costs import Cost, find_costs
from fusionbench.figures.drawing import Drawing, add_caption, panel_figure, text_width
from fusionbench.figures.options import Options, method_names, one_board, scored_columns, setting
from fusionbench.figures.style import SMALL, Look, looks
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, Row, one_line

PANEL = 1.9  # inches


class Point(NamedTuple):
    """Cost and quality of a method; ``method_proper`` is False for trivial baselines."""

    method: str
    cost: float
    quality: float
    method_proper: bool


def points(board: Board, column: Column, cost: Cost) -> list[Point]:
    """Return a point for each row that has both values."""
    place = board.table.columns.index(column)
    return [
        Point(row.method, cost.values[row.method], quality, row.kind != "trivial")
        for row in board.table.rows
        if row.method in cost.values and (quality := row.cells[place].value) is not None
    ]


def pareto(points: Sequence[Point], better: str) -> list[Point]:
    """Return the Pareto front, cheapest first: points that no other equals or beats in both cost and quality.

    Trivial baselines are excluded: copying a source costs nothing and wins metrics that compare with sources.
    """
    sign = -1.0 if better == "higher" else 1.0
    front: list[Point] = []
    for point in sorted((p for p in points if p.method_proper), key=lambda p: (p.cost, sign * p.quality)):
        if not front or sign * point.quality < sign * front[-1].quality:
            front.append(point)
    return front


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw a panel for each metric and cost. Raises RequestError if a metric or cost is known for no method."""
    board = one_board(boards, "tradeoff")
    columns = scored_columns(board, options, by_image=False)
    costs = find_costs(board, options.costs, options.measured)
    panels = [(column, cost) for column in columns for cost in costs]
    figure, axes, _ = panel_figure(len(panels), options.width, PANEL, group=len(costs))
    appearance = looks(method_names(boards))
    for place, (column, cost) in zip(axes, panels, strict=True):
        _panel(place, points(board, column, cost), column, cost, appearance)
    shown = {p.method for column, cost in panels for p in points(board, column, cost)}
    _legend(figure, [row for row in board.table.rows if row.method in shown], appearance, options.width)
    return Drawing(figure, add_caption(figure, _sentences(board, columns, costs), options.caption))


def _panel(
    axes: Any, points: Sequence[Point], column: Column, cost: Cost, appearance: Mapping[str, Look]
) -> None:
    front = pareto(points, column.better)
    x, y = [p.cost for p in front], [p.quality for p in front]
    axes.plot(x, y, drawstyle="steps-post", color="0.55", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    for point in points:
        look = appearance[point.method]
        axes.plot(
            [point.cost], [point.quality], look.marker, markersize=5, markerfacecolor=look.color if point.method_proper else "white",
            markeredgecolor="black" if point in front else look.color, markeredgewidth=1.1, zorder=2 + (point in front),
        )  # fmt: skip
    axes.set(xlabel=cost.label, ylabel=f"{column.metric} {column.arrow}")
    axes.margins(0.12)
    _scale(axes, [point.cost for point in points])


def _scale(axes: Any, costs: Sequence[float]) -> None:
    """Make the axis of costs logarithmic, with room for 0 if a cost is 0; a single value keeps a linear axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    positive = [cost for cost in costs if cost > 0]
    if len(set(costs)) < 2 or not positive:
        return
    if len(positive) < len(costs):
        axes.set_xscale("symlog", linthresh=min(positive) / 2, linscale=0.3)
    else:
        axes.set_xscale("log")
        if max(positive) < 30 * min(positive):  # powers of ten alone would give one label or none
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _legend(figure: Any, rows: Sequence[Row], appearance: Mapping[str, Look], width: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], linestyle="none", marker=look.marker, markersize=5, markeredgecolor=look.color,
            markerfacecolor="white" if row.kind == "trivial" else look.color, label=one_line(row.label),
        )
        for row, look in ((row, appearance[row.method]) for row in rows)
    ]  # fmt: skip
    widest = max((text_width(one_line(row.label), SMALL) for row in rows), default=0.0) + 0.35
    columns = max(1, min(len(handles), int(width // widest)))
    lines = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + lines * SMALL * 1.4 / 72 + 0.1)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, handletextpad=0.1)


def _sentences(board: Board, columns: Sequence[Column], costs: Sequence[Cost]) -> list[str]:
    shown = {p.method for column in columns for cost in costs for p in points(board, column, cost)}
    gone = [one_line(row.label) for row in board.table.rows if row.method not in shown]
    return [
        (
            "Dashed line and black rims: methods that no other beats in both quality and cost; trivial baselines "
            "(hollow) are not counted."
        ),
        *(cost.note for cost in costs),
        *([f"Without a score on every pair or a cost, and not shown: {', '.join(gone)}."] if gone else []),
        setting([board]),
    ]
