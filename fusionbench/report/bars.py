"""Bars of each metric with confidence intervals; positions are in the units of the SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, Row, printed

LEFT, WIDTH, RIGHT = 146.0, 206.0, 62.0  # widths of names, bars and numbers
ROW = 19.0


@dataclass(frozen=True)
class Axis:
    """A linear axis from ``low`` to ``high``, with ``ticks`` at round numbers."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def x(self, value: float) -> float:
        return round(LEFT + WIDTH * (value - self.low) / (self.high - self.low), 2)


@dataclass(frozen=True)
class Bar:
    """The bar of one method; without ``value`` no bar is drawn, without ``interval`` no whisker."""

    label: str
    kind: str
    text: str
    rank: int | None
    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Figure:
    """The bars of one metric, with two axes to choose from: ``zero`` includes 0, ``close`` spans only what is drawn."""

    name: str
    title: str
    bars: tuple[Bar, ...]
    zero: Axis
    close: Axis
    digits: int

    @property
    def height(self) -> float:
        return ROW * len(self.bars) + 24

    @property
    def width(self) -> float:
        return LEFT + WIDTH + RIGHT


def metric_figures(board: Board) -> list[Figure]:
    """Return a figure for each metric with at least one mean; its intervals are those of means over images."""
    from fusionbench.statistics.intervals import mean_intervals

    figures = []
    for place, column in enumerate(board.table.columns):
        ends = list(zip(*mean_intervals(board.values(column.metric)), strict=True))
        bars = tuple(_bar(row, place, *ends[number]) for number, row in enumerate(board.table.rows))
        if any(bar.value is not None for bar in bars):
            figures.append(bar_figure(f"{column.metric} {column.arrow}", column.title, bars, column.digits))
    return figures


def _bar(row: Row, place: int, low: float, high: float) -> Bar:
    """Return a row's bar; it has no interval for a single image, or a metric computed on all images at once."""
    cell = row.cells[place]
    known = cell.value is not None and math.isfinite(low) and math.isfinite(high)
    interval = (float(low), float(high)) if known else None
    return Bar(row.label, row.kind, cell.text, cell.rank, cell.value, interval)


def rank_figure(
    column: Column, rows: Sequence[Row], ranks: Sequence[float], critical: float | None
) -> Figure:
    """Return mean ranks with half the critical difference to each side: methods differ if they do not overlap."""
    half = (critical or 0.0) / 2
    bars = tuple(
        Bar(row.label, row.kind, printed(rank, 2), None, rank, (rank - half, rank + half) if half else None)
        for row, rank in sorted(zip(rows, ranks, strict=True), key=lambda entry: entry[1])
    )
    return bar_figure(f"{column.metric} {column.arrow}", column.title, bars, 0)


def bar_figure(name: str, title: str, bars: tuple[Bar, ...], digits: int) -> Figure:
    ends = [end for bar in bars if bar.value is not None for end in (bar.value, *(bar.interval or ()))]
    low, high = min(ends), max(ends)
    room = 0.04 * ((high - low) or abs(high) or 1.0)
    return Figure(
        name,
        title,
        bars,
        _axis(min(0.0, low), max(0.0, high) or float(low >= 0)),
        _axis(low - room, high + room),
        digits,
    )


def _axis(low: float, high: float) -> Axis:
    step = _step((high - low) / 4)
    # 1e-9: a bound that is a multiple of the step up to rounding still gets its tick
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))
    return Axis(low, high, ticks)


def _step(rough: float) -> float:
    """Return the smallest number not below ``rough`` that is 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * (1 - 1e-9))
