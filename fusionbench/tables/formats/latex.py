"""Tables as LaTeX that needs the booktabs package and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from fusionbench.tables.model import Cell, Column, Row, Table, one_line

_ARROW = {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
_ESCAPES = _ARROW | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # \textasciigrave and a dollar outside mathematics take a font that small installations lack
    "`": r"\`{}",
    "$": r"$\$$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "✓": r"$\surd$",
    "†": r"$\dagger$",
    # in braces, because a row end takes a star or bracket that follows it as its own
    "*": "{*}",
    "[": "{[}",
    "]": "{]}",
} | {char: f"\\{char}" for char in "&%#_{}"}  # fmt: skip


def render(tables: Iterable[Table]) -> str:
    r"""Return one complete table environment for each table, labeled ``tab:<dataset>-<split>``.

    Letters outside ASCII are passed on; pdfTeX prints the Latin ones, XeTeX and LuaTeX what their font has.
    """
    tables = list(tables)
    labels = [_slug(table) for table in tables]
    uses = Counter(labels)
    unique = [f"{label}-{i}" if uses[label] > 1 else label for i, label in enumerate(labels, start=1)]
    return "\n".join(_render(table, label) for table, label in zip(tables, unique, strict=True))


def escape(text: str) -> str:
    """Return text that LaTeX prints as it stands."""
    escaped = "".join(_ESCAPES.get(char, char) for char in one_line(text))
    return re.sub(r"-(?=-)", "-{}", escaped)  # two hyphens are not a dash


def _slug(table: Table) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{table.dataset}-{table.split}".lower()).strip("-")


def _render(table: Table, label: str) -> str:
    fit = fitting(table)
    said = (f"{table.name}.", *table.caption) if table.name else table.caption
    lines = [
        rf"\begin{{{fit.environment}}}[htbp]",
        r"  \centering\small",
        rf"  \caption[{escape(table.heading)}]{{{escape(' '.join(said))}}}",
        rf"  \label{{tab:{label}}}\smallskip",
        rf"  {fit.size}\setlength{{\tabcolsep}}{{{fit.gap}pt}}",
        # one that is too wide sticks out on both sides instead of running off the page on the right
        *([r"  \makebox[\linewidth][c]{%"] if fit.wide else []),
        rf"  \begin{{tabular}}{{l{_aligned(table)}{'r' * len(table.columns)}}}",
        r"    \toprule",
        *_spans(table),
        _line([*map(escape, (table.stub, *table.leads)), *(_header(column) for column in table.columns)]),
        *_body(table),
        r"    \bottomrule",
        r"  \end{tabular}}" if fit.wide else r"  \end{tabular}",
        *_footnotes(table),
        rf"\end{{{fit.environment}}}",
    ]
    return "\n".join(lines) + "\n"


def _aligned(table: Table) -> str:
    """Center columns of check marks, put other texts to the left."""
    texts = ({row.leads[i] for row in table.rows if row.leads} for i in range(len(table.leads)))
    return "".join("c" if found <= {"✓", ""} else "l" for found in texts)


def _spans(table: Table) -> list[str]:
    """The line of groups above the metrics, and a short rule below each group."""
    if not table.spans:
        return []
    start = 2 + len(table.leads)
    cells, rules = [""] * (start - 1), []
    for title, width in table.spans:
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(title)}}}")
        rules += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if title else []
        start += width
    return [_line(cells), f"    {''.join(rules)}"]


def _header(column: Column) -> str:
    return f"{escape(column.metric)} {_ARROW[column.arrow]}"


def _body(table: Table) -> list[str]:
    lines = []
    for group in table.groups:
        lines.append(r"    \midrule")
        banner = table.banner(group)
        if banner and group[0].kind != "trivial":  # these are known by their names
            width = 1 + len(table.leads) + len(table.columns)
            lines.append(_line([rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(banner)}}}}}"]))
        lines += [
            _line([_label(table, row), *map(escape, row.leads), *(_cell(table, cell) for cell in row.cells)])
            for row in group
        ]
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _label(table: Table, row: Row) -> str:
    cite = rf" \cite{{{row.cite}}}" if row.cite else ""
    return escape(row.label) + cite + "".join(_mark(table, note) for note in row.notes)


def _cell(table: Table, cell: Cell) -> str:
    if cell.value is None:
        return cell.text.replace("–", "--") + (_mark(table, cell.note) if cell.note else "")
    number = cell.text.replace("-", "$-$")
    number = {1: rf"\textbf{{{number}}}", 2: rf"\underline{{{number}}}"}.get(cell.rank or 0, number)
    tied = r"$\dagger$" if cell.tied else ""
    spread = cell.spread.replace("-", "$-$").replace("±", r"$\pm$")
    return number + tied + (f" {spread}" if spread else "")


def _mark(table: Table, note: str) -> str:
    return rf"\textsuperscript{{{table.number(note)}}}"


def _footnotes(table: Table) -> list[str]:
    notes = table.footnotes
    if not (notes or table.warnings):
        return []
    lines = [rf"    \textsuperscript{{{i}}} {escape(note)}.\par" for i, note in enumerate(notes, start=1)]
    lines += [rf"    \textit{{Note.}} {escape(warning)}\par" for warning in table.warnings]
    start = r"  \par\smallskip\begin{minipage}{\linewidth}\footnotesize\raggedright"
    return [start, *lines, r"  \end{minipage}"]


COLUMN, PAGE = 345, 500  # points: text width of the article class, and of a page with two columns


class Fit(NamedTuple):
    """An environment, a type size, and half the gap between columns in points."""

    environment: str
    size: str
    gap: int

    @property
    def wide(self) -> bool:
        return self.environment == "table*"


# with the width of a digit in points
SIZES = ((r"\small", 4, 4.6), (r"\footnotesize", 3, 4.3), (r"\scriptsize", 2, 4.0), (r"\tiny", 2, 3.4))


def fitting(table: Table) -> Fit:
    """Return the largest type that fits; a table too wide for the column in any goes across the page."""
    count = 1 + len(table.leads) + len(table.columns)
    letters = _names(table) + sum(_width(table, i) for i in range(len(table.columns)))
    for environment, room in (("table", COLUMN), ("table*", PAGE)):
        for size, gap, digit in SIZES:
            if letters * digit + count * 2 * gap <= room:
                return Fit(environment, size, gap)
    return Fit("table*", *SIZES[-1][:2])


def _names(table: Table) -> int:
    """Return how many letters the columns before the numbers take."""
    labels = max((len(row.label) for row in table.rows), default=0)
    leads = zip(table.leads, *(row.leads for row in table.rows), strict=True) if table.leads else ()
    return max(labels, len(table.stub)) + sum(max(map(len, texts)) for texts in leads)


def _width(table: Table, i: int) -> int:
    return max(_header_width(table.columns[i]), *(_cell_width(row.cells[i]) for row in table.rows))


def _header_width(column: Column) -> int:
    return len(column.metric) + 2


def _cell_width(cell: Cell) -> int:
    return len(cell.text) + len(cell.spread) + bool(cell.spread) + bool(cell.tied)
