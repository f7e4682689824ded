"""Mean scores against an argument, or against the variance of noise on the sources: a line per method and setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fusionbench.data.noise.setting import SourceNoise, noise_from
from fusionbench.errors import RequestError
from fusionbench.figures.drawing import Drawing, add_caption, fit, legend_below, panel_figure
from fusionbench.figures.options import Options, scored_columns, setting
from fusionbench.figures.style import SMALL, Look, looks
from fusionbench.tables.board import Board
from fusionbench.tables.layouts import sensitivity
from fusionbench.tables.model import Column, one_line

PLOT, HEAD, ENTRY = 1.3, 0.8, SMALL * 1.42 / 72  # inches: axes, title and labels, a line of a legend


class VariedSetting(NamedTuple):
    """The varied quantity: an argument, a key of the configuration, or the variance of noise on the sources."""

    name: str
    noise: bool

    @property
    def label(self) -> str:
        return f"variance of {self.name} noise (squared gray levels)" if self.noise else self.name


class Line(NamedTuple):
    """One method with all other settings fixed: the rising values of the axis, and the board's row for each."""

    name: str
    label: str
    values: tuple[float, ...]
    rows: tuple[int, ...]


def draw(boards: Sequence[Board], options: Options) -> Drawing:
    """Draw a panel for each set of pairs, axis and metric. Raises RequestError if nothing is varied."""
    candidates = [
        (board, axis, _lines(board, axis)) for board in boards for axis in _axes(board, options.over)
    ]
    shown = [(board, axis, lines) for board, axis, lines in candidates if lines]
    if not shown:
        what = ", ".join(options.over) or "a number or noise"
        raise RequestError(
            f"No two of these runs differ only in {what}: run a sweep with a grid or with noise over it, or name with "
            "--over what was varied."
        )
    panels = [
        (board, axis, lines, column)
        for board, axis, lines in shown
        for column in scored_columns(board, options, by_image=False)
    ]
    appearance = looks(line.name for _, _, lines in shown for line in lines)
    longest = max(len(lines) for _, _, lines in shown)
    figure, axes, columns = panel_figure(len(panels), options.width, PLOT + HEAD + longest * ENTRY)
    for place, (board, axis, lines, column) in zip(axes, panels, strict=True):
        _panel(place, board, axis, lines, column, appearance, options.width / columns - 0.5)
        title = f"{column.metric} {column.arrow}"
        place.set_title(title if len(boards) == 1 else f"{title} · {one_line(board.table.title)}")
    return Drawing(figure, add_caption(figure, _sentences(boards, shown), options.caption))


def _axes(board: Board, over: Sequence[str]) -> list[VariedSetting]:
    """Return the requested axes; without a request each kind of noise in the runs, else each argument that varies."""
    noises = [noise for run in board.runs if (noise := noise_from(run.record["identity"]))]
    kinds = dict.fromkeys(_kinds(noise) for noise in noises)
    if over:
        return [VariedSetting(name, name in kinds) for name in over]
    return [VariedSetting(kind, noise=True) for kind in kinds] or [
        VariedSetting(name, noise=False)
        for name in dict.fromkeys(selection.stub for selection in sensitivity.select(board.records, (), ()))
    ]


def _kinds(noise: SourceNoise) -> str:
    """Return the text of a noise without its variances, such as "stripe" or "a.stripe+b.gaussian"."""
    return "+".join(part.partition("=")[0] for part in str(noise).split("+"))


def _lines(board: Board, axis: VariedSetting) -> list[Line]:
    return list(_noise_lines(board, axis.name) if axis.noise else _argument_lines(board, axis.name))


def _noise_lines(board: Board, kind: str) -> Iterator[Line]:
    """Yield a line for each method with noise of this kind; its run without noise, if any, is the value at 0."""
    points: dict[str, dict[float, int]] = {}
    for i, run in enumerate(board.runs):
        noise, name = noise_from(run.record["identity"]), run.record["method"]["name"]
        if noise is None:
            points.setdefault(name, {})[0.0] = i
        elif (
            _kinds(noise) == kind
            and len(variances := {added.variance for _, added in noise.by_source()}) == 1
        ):
            quiet = name.removesuffix(str(noise)).rstrip("@+")
            points.setdefault(quiet, {})[variances.pop()] = i
    for name, rows in points.items():
        if len(rows) > 1:
            first = min(rows.items())
            label = board.table.rows[first[1]].label if first[0] == 0 else name
            yield Line(name, one_line(label), *zip(*sorted(rows.items()), strict=True))


def _argument_lines(board: Board, name: str) -> Iterator[Line]:
    """Yield a line for each group of runs that differ only in the argument."""
    places = {run.record["method"]["name"]: i for i, run in enumerate(board.runs)}
    for selection in sensitivity.select(board.records, [name], ()):
        try:
            points = sorted((float(line.label), places[line.method]) for line in selection.lines.values())
        except ValueError:
            raise RequestError(
                f"The values of {name} are not numbers: show them in a table of the layout sensitivity."
            ) from None
        yield Line(selection.name, one_line(selection.name), *zip(*points, strict=True))


def _panel(
    axes: Any,
    board: Board,
    axis: VariedSetting,
    lines: Sequence[Line],
    column: Column,
    appearance: Mapping[str, Look],
    width: float,
) -> None:
    import numpy as np

    place = board.table.columns.index(column)
    for line in lines:
        means = [board.table.rows[row].cells[place].value for row in line.rows]
        look = appearance[line.name]
        axes.plot(
            line.values, [np.nan if mean is None else mean for mean in means], color=look.color,
            linestyle=look.dashes, marker=look.marker, label=fit(line.label, width, SMALL),
        )  # fmt: skip
    if axis.noise:  # square root scale: twice as far from 0 is twice the amplitude
        axes.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    values = sorted({value for line in lines for value in line.values})
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.set(xlabel=axis.label)
    legend_below(axes)


def _sentences(
    boards: Sequence[Board], shown: Sequence[tuple[Board, VariedSetting, Sequence[Line]]]
) -> list[str]:
    noisy = any(axis.noise for _, axis, _ in shown)
    said = "Noise is added to the sources before they are fused; scores compare with the sources without it, on the left."
    return [
        "Means over all pairs; a gap: not every pair has a score.",
        *([said] if noisy else []),
        setting(boards),
    ]
