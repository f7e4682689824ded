"""Tables as LaTeX that needs the booktabs package and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from fusionbench.report.table import HEADINGS, Cell, Column, Row, Table
from fusionbench.report.text import one_line

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
    lines = [
        r"\begin{table}[htbp]",
        r"  \centering\small\setlength{\tabcolsep}{4pt}",
        rf"  \caption[{escape(table.heading)}]{{{escape(' '.join(table.caption))}}}",
        rf"  \label{{tab:{label}}}\smallskip",
        rf"  \begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"    \toprule",
        _line(["Method", *(_header(column) for column in table.columns)]),
        *_body(table),
        r"    \bottomrule",
        r"  \end{tabular}",
        *_footnotes(table),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _header(column: Column) -> str:
    return f"{escape(column.metric)} {_ARROW[column.arrow]}"


def _body(table: Table) -> list[str]:
    lines = []
    for group in table.groups:
        lines.append(r"    \midrule")
        if group[0].kind == "reported":  # the trivial baselines are known by their names
            heading = escape(HEADINGS["reported"])
            lines.append(rf"    \multicolumn{{{1 + len(table.columns)}}}{{l}}{{\textit{{{heading}}}}} \\")
        lines += [_line([_label(table, row), *(_cell(table, cell) for cell in row.cells)]) for row in group]
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _label(table: Table, row: Row) -> str:
    return escape(row.label) + "".join(_mark(table, note) for note in row.notes)


def _cell(table: Table, cell: Cell) -> str:
    if cell.value is None:
        return cell.text.replace("–", "--") + (_mark(table, cell.note) if cell.note else "")
    number = cell.text.replace("-", "$-$")
    return {1: rf"\textbf{{{number}}}", 2: rf"\underline{{{number}}}"}.get(cell.rank, number)


def _mark(table: Table, note: str) -> str:
    return rf"\textsuperscript{{{table.number(note)}}}"


def _footnotes(table: Table) -> list[str]:
    notes = table.footnotes
    if not notes:
        return []
    lines = [rf"    \textsuperscript{{{i}}} {escape(note)}.\par" for i, note in enumerate(notes, start=1)]
    start = r"  \par\smallskip\begin{minipage}{\linewidth}\footnotesize\raggedright"
    return [start, *lines, r"  \end{minipage}"]
