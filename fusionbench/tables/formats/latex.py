"""Tables as LaTeX that needs only the booktabs package."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fusionbench.tables.formats.fit_width import TEXT_WIDTH, Fit, fitting, floats
from fusionbench.tables.model import Column, Row, Table, TableCell, one_line

_ARROW = {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
_ESCAPES = _ARROW | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # \textasciigrave and a dollar outside mathematics need a font that small installations lack
    "`": r"\`{}",
    "$": r"$\$$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "✓": r"$\surd$",
    "†": r"$\dagger$",
    # in braces, because a star or bracket after a row end is read as its argument
    "*": "{*}",
    "[": "{[}",
    "]": "{]}",
} | {char: f"\\{char}" for char in "&%#_{}"}  # fmt: skip


def render(tables: Iterable[Table], width: float = TEXT_WIDTH) -> str:
    r"""Return a complete table environment for each table, labelled ``tab:<dataset>-<split>``.

    ``width`` is that of the text in points (``\the\textwidth``). A table that is wider even in small type is divided into
    blocks of columns, one below the other, and into several environments if these are higher than a page. Letters
    outside ASCII are left unchanged; pdfTeX prints the Latin ones, XeTeX and LuaTeX those in their font.
    """
    tables = list(tables)
    labels = [_slug(table) for table in tables]
    uses = Counter(labels)
    unique = [f"{label}-{i}" if uses[label] > 1 else label for i, label in enumerate(labels, start=1)]
    return "\n".join(_render(table, label, width) for table, label in zip(tables, unique, strict=True))


def escape(text: str) -> str:
    """Return text escaped so that LaTeX prints it literally."""
    escaped = "".join(_ESCAPES.get(char, char) for char in one_line(text))
    return re.sub(r"-(?=-)", "-{}", escaped)  # or LaTeX would print two hyphens as a dash


def _slug(table: Table) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{table.dataset}-{table.split}".lower()).strip("-")


def _render(table: Table, label: str, width: float) -> str:
    fit = fitting(table, width)
    pages = floats(table, fit)
    texts = [_float(table, fit, blocks, _heads(table, label, i)) for i, blocks in enumerate(pages)]
    texts[-1] += _footnotes(table)
    end = rf"\end{{{fit.environment}}}"
    return "\n".join("\n".join([*lines, end]) + "\n" for lines in texts)


def _heads(table: Table, label: str, page: int) -> list[str]:
    """Return caption and label of a table or, on further pages, the caption of its continuation."""
    if page:
        return [r"  \addtocounter{table}{-1}", r"  \caption[]{(continued)}\smallskip"]
    said = table.brief or table.caption
    said = (f"{table.name}.", *said) if table.name else said
    caption = rf"  \caption[{escape(table.heading)}]{{{escape(' '.join(said))}}}"
    return [caption, rf"  \label{{tab:{label}}}\smallskip"]


def _float(table: Table, fit: Fit, blocks: Sequence[Sequence[int]], heads: Sequence[str]) -> list[str]:
    lines = [
        rf"\begin{{{fit.environment}}}[htbp]",
        r"  \centering\small",
        *heads,
        rf"  {fit.size.command}\setlength{{\tabcolsep}}{{{fit.size.gap}pt}}",
    ]
    for i, block in enumerate(blocks):
        lines += [r"  \par\medskip"] if i else []
        lines += _tabular(_part(table, block), table, fit)
    return lines


def _part(table: Table, columns: Sequence[int]) -> Table:
    """Return a block, that is the table with these columns only."""
    rows = tuple(replace(row, cells=tuple(row.cells[i] for i in columns)) for row in table.rows)
    return replace(table, columns=tuple(table.columns[i] for i in columns), rows=rows)


def _tabular(part: Table, table: Table, fit: Fit) -> list[str]:
    names = "l" if fit.label is None else f"p{{{fit.label}pt}}"
    header = (_header(column) for column in part.columns)
    return [
        rf"  \begin{{tabular}}{{{names}{_aligned(part)}{'r' * len(part.columns)}}}",
        r"    \toprule",
        *_spans(part),
        _line([*map(escape, (part.stub, *part.leads)), *header]),
        *_body(part, table, fit),
        r"    \bottomrule",
        r"  \end{tabular}",
    ]


def _aligned(table: Table) -> str:
    """Return the alignment of leads: columns of check marks are centred, other texts left-aligned."""
    texts = ({row.leads[i] for row in table.rows if row.leads} for i in range(len(table.leads)))
    return "".join("c" if column <= {"✓", ""} else "l" for column in texts)


def _spans(table: Table) -> list[str]:
    """Return the line of groups above the metrics, and a short rule below each group."""
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


def _body(part: Table, table: Table, fit: Fit) -> list[str]:
    """Return the rows of a block; ``table`` determines the numbers of notes."""
    lines = []
    for group in part.groups:
        lines.append(r"    \midrule")
        banner = part.banner(group)
        if banner and group[0].kind != "trivial":  # trivial baselines are recognised by their names
            width = 1 + len(part.leads) + len(part.columns)
            lines.append(_line([rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(banner)}}}}}"]))
        lines += [
            _line([
                _label(table, row, fit), *map(escape, row.leads), *(_cell(table, cell) for cell in row.cells)
            ])
            for row in group
        ]  # fmt: skip
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _label(table: Table, row: Row, fit: Fit) -> str:
    cite = rf" \cite{{{row.cite}}}" if row.cite else ""
    label = escape(row.label) if fit.label is None else rf"\raggedright {_breakable(row.label)}"
    return label + cite + _mark(table, row.notes)


def _breakable(text: str) -> str:
    """Return a label that may be broken after separators within names, not only between words."""
    return re.sub(r"(\\_|[-@+/,=])(?=\w)", r"\1\\allowbreak{}", escape(text))


def _cell(table: Table, cell: TableCell) -> str:
    if cell.value is None:
        return cell.text.replace("–", "--") + _mark(table, (cell.note,))
    number = cell.text.replace("-", "$-$")
    number = {1: rf"\textbf{{{number}}}", 2: rf"\underline{{{number}}}"}.get(cell.rank or 0, number)
    tied = r"$\dagger$" if cell.tied else ""
    spread = cell.spread.replace("-", "$-$").replace("±", r"$\pm$")
    return number + tied + (f" {spread}" if spread else "") + _mark(table, (cell.note,))


def _mark(table: Table, notes: Sequence[str]) -> str:
    marks = table.marks(notes)
    return rf"\textsuperscript{{{marks}}}" if marks else ""


def _footnotes(table: Table) -> list[str]:
    notes = table.footnotes
    if not (notes or table.warnings):
        return []
    lines = [rf"    \textsuperscript{{{i}}} {escape(note)}.\par" for i, note in enumerate(notes, start=1)]
    lines += [rf"    \textit{{Note.}} {escape(warning)}\par" for warning in table.warnings]
    start = r"  \par\smallskip\begin{minipage}{\linewidth}\footnotesize\raggedright"
    return [start, *lines, r"  \end{minipage}"]
