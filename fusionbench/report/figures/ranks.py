"""Critical-difference diagrams: mean ranks of methods, and which of them differ no more than chance explains.

Demšar 2006, "Statistical comparisons of classifiers over multiple data sets", JMLR 7.
"""

from __future__ import annotations

from collections.abc import Sequence

from fusionbench.errors import RequestError
from fusionbench.report.board import Board
from fusionbench.report.figures.diagram import Ranking, draw_diagram, layout
from fusionbench.report.figures.drawing import LINE, Drawing
from fusionbench.report.figures.inches import inch_axes, write_caption
from fusionbench.report.figures.options import Options
from fusionbench.report.figures.selection import method_names, one_board, scored_columns, setting
from fusionbench.report.figures.style import SMALL, looks
from fusionbench.report.figures.text import wrap
from fusionbench.report.table import Column
from fusionbench.report.text import one_line

LEVEL = 0.05


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
    place = layout(rankings, options.width)
    height = sum(ranking.height(place.row) for ranking in rankings) + len(lines) * LINE + 0.05
    figure = Figure(figsize=(options.width, height))
    axes, top = inch_axes(figure), 0.0
    appearance = looks(method_names(boards))
    for ranking in rankings:
        draw_diagram(axes, ranking, top, place, appearance)
        top += ranking.height(place.row)
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
