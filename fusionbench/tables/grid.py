"""Plain tables of texts, without marks, ranks or footnotes, in the four formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

from fusionbench.errors import RequestError
from fusionbench.tables.formats import latex, markdown


@dataclass(frozen=True)
class Grid:
    """Rows of texts with a ``header``; the first ``names`` columns are left-aligned, the others are numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    names: int = 1


def render_grid(grid: Grid, format: str) -> str:
    """Return the table as md, csv, tex or html. Raises RequestError for any other format."""
    return WRITERS[check_format(format)](grid)


def check_format(format: str) -> str:
    """Return the format in lower case. Raises RequestError if tables cannot be written in it."""
    if format.lower() not in WRITERS:
        raise RequestError(f"Tables cannot be written as '{format}': use one of {', '.join(WRITERS)}.")
    return format.lower()


def _markdown(grid: Grid) -> str:
    escaped = [[markdown.escape(text) for text in row] for row in (grid.header, *grid.rows)]
    rule = ["---"] * grid.names + ["---:"] * (len(grid.header) - grid.names)
    lines = [f"| {' | '.join(row)} |" for row in (escaped[0], rule, *escaped[1:])]
    return (
        f"### {markdown.escape(grid.title)}\n\n" + "\n".join(lines) + f"\n\n{markdown.escape(grid.caption)}\n"
    )


def _csv(grid: Grid) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((grid.header, *grid.rows))
    return text.getvalue()


def _latex(grid: Grid) -> str:
    columns = "l" * grid.names + "r" * (len(grid.header) - grid.names)
    lines = [" & ".join(map(latex.escape, row)) + r" \\" for row in (grid.header, *grid.rows)]
    return "\n".join([
        r"\begin{table}[htbp]",
        r"  \centering\small\setlength{\tabcolsep}{4pt}",
        rf"  \caption[{latex.escape(grid.title)}]{{{latex.escape(f'{grid.title}. {grid.caption}')}}}\smallskip",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {lines[0]}",
        r"    \midrule",
        *(f"    {line}" for line in lines[1:]),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
        "",
    ])  # fmt: skip


def _html(grid: Grid) -> str:
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(HTML).render(grid=grid)


HTML = """<table>
<caption>{{ grid.title }}. {{ grid.caption }}</caption>
<thead><tr>{% for text in grid.header %}<th scope="col">{{ text }}</th>{% endfor %}</tr></thead>
<tbody>
{%- for row in grid.rows %}
<tr>{% for text in row %}<td{% if loop.index0 >= grid.names %} style="text-align: right"{% endif %}>{{ text }}</td>{% endfor %}</tr>
{%- endfor %}
</tbody>
</table>
"""
WRITERS: dict[str, Callable[[Grid], str]] = {"md": _markdown, "csv": _csv, "tex": _latex, "html": _html}
