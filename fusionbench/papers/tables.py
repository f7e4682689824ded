"""Printed numbers as the tables in which they were printed, with methods as rows and metrics as columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from fusionbench.metrics.registry import spelled
from fusionbench.papers.against import pairs_reasons
from fusionbench.papers.conventions import convention, departure_in_words, metric_card
from fusionbench.papers.printed import Number, Paper, papers
from fusionbench.tables.grid import Grid, render_grid
from fusionbench.tables.model import Column, Row, Table, TableCell

ARROWS = {"higher": "↑", "lower": "↓"}
# the fields that can distinguish rows of a table, and their headers
KEYS = {
    "method": "Method",
    "setting": "Setting",
    "dataset": "Data set",
    "train_dataset": "Trained on",
}


def render(numbers: Sequence[Number], format: str) -> str:
    """Return printed numbers as md, tex or html, one table for each printed one, or as csv, one line for each number.

    Raises RequestError for any other format.
    """
    if format.lower() == "csv":
        return _csv(numbers)
    return "\n".join(render_grid(_grid(part), format) for part in by_table(numbers))


def by_table(numbers: Iterable[Number]) -> list[list[Number]]:
    """Return the numbers of each printed table, in order."""
    tables: dict[tuple[str, int], list[Number]] = {}
    for number in numbers:
        tables.setdefault((number.paper, number.table), []).append(number)
    return list(tables.values())


def _csv(numbers: Iterable[Number]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f.name for f in fields(Number)])
    writer.writerows(
        [int(value) if isinstance(value, bool) else value for value in asdict(number).values()]
        for number in numbers
    )
    return text.getvalue()


def _grid(part: Sequence[Number]) -> Grid:
    """Return one printed table; what all its rows share is in the title."""
    paper = papers()[part[0].paper]
    keys = [key for key in KEYS if key == "method" or len({getattr(n, key) for n in part}) > 1]
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    datasets = list(dict.fromkeys(n.dataset for n in part))
    for number in sorted(part, key=lambda n: datasets.index(n.dataset)):
        row = rows.setdefault(tuple(getattr(number, key) for key in keys), {})
        row[number.metric] = number.value
    arrows = {n.metric: ARROWS[n.direction] for n in part}
    metrics = dict.fromkeys([*max(rows.values(), key=len), *arrows])  # a first row may have gaps
    return Grid(
        title=_title(paper, part),
        header=(*(KEYS[key] for key in keys), *(f"{metric} {arrows[metric]}" for metric in metrics)),
        rows=tuple((*key, *(row.get(metric, "") for metric in metrics)) for key, row in rows.items()),
        caption=" ".join(_caption(paper, part)),
        names=len(keys),
    )


def _title(paper: Paper, part: Sequence[Number]) -> str:
    of = dict.fromkeys([part[0].kind, *(n.dataset for n in part if n.dataset)])
    return f"{paper.title}, Table {part[0].table} as printed: {', '.join(of)}"


def _caption(paper: Paper, part: Sequence[Number]) -> list[str]:
    """Return sentences with the citation, the convention, what is undecided in it, and the notes."""
    said = [f"{paper.citation}, doi {paper.doi}.", "No number here is measured."]
    if part[0].kind not in ("complexity", "detection", "segmentation"):
        said += [f"Definitions: profile {paper.profile}, {paper.convention}."]
        open_ = {m: convention(paper, m).undecided for m in dict.fromkeys(n.metric for n in part)}
        said += [f"{metric} undecided, {why}." for metric, why in open_.items() if why]
    return said + _notes(part)


def _notes(part: Sequence[Number]) -> list[str]:
    """Return every note once, preceded by the rows or metrics that it is about unless that is the whole table."""
    about: dict[str, list[Number]] = {}
    for number in part:
        if number.note:
            about.setdefault(number.note, []).append(number)
    said = []
    for note, numbers in about.items():
        names = dict.fromkeys(f"{n.method} {n.setting}".strip() for n in numbers)
        metrics = dict.fromkeys(n.metric for n in numbers)
        rows = {(n.method, n.setting, n.dataset) for n in numbers}
        here = {n.metric for n in part if (n.method, n.setting, n.dataset) in rows}
        where = ", ".join(names) if len(rows) < len({(n.method, n.setting, n.dataset) for n in part}) else ""
        which = ", ".join(metrics) if len(metrics) < len(here) else ""
        subject = f"{where} {which}".strip()
        said.append(f"{subject}: {note}." if subject else f"{note[0].upper()}{note[1:]}.")
    return said


def to_json(numbers: Iterable[Number]) -> list[dict[str, Any]]:
    """Return each printed table with its citation, the convention of each metric, and its numbers."""
    return [_document(part) for part in by_table(numbers)]


def _document(part: Sequence[Number]) -> dict[str, Any]:
    paper = papers()[part[0].paper]
    metrics = dict.fromkeys(n.metric for n in part)
    return {
        "paper": paper.name,
        "title": paper.title,
        "citation": paper.citation,
        "doi": paper.doi,
        "bibtex": paper.bibtex,
        "table": part[0].table,
        "kind": part[0].kind,
        "convention": paper.convention,
        "metrics": {
            metric: convention(paper, metric)._asdict() | {"profile": paper.profile} for metric in metrics
        },
        "numbers": [asdict(number) | {"number": number.number} for number in part],
        "notes": list(paper.notes),
    }


KIND = "reported"
LEFT_OUT = "left out in"


def read_choice(asked: Iterable[str]) -> dict[str, tuple[str, ...]] | None:
    """Return the chosen methods by paper from texts PAPER or PAPER/METHOD, () for all methods; None without any text.

    Raises UnknownNameError for an unknown paper and for a method that it does not print.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    for text in asked:
        name, _, method = text.partition("/")
        paper = spelled(name.strip(), papers(), "paper")
        if method.strip():
            printed = [n.method for n in papers()[paper].numbers if n.kind == "fusion"]
            method = spelled(method.strip(), dict.fromkeys(printed), f"method in {paper}")
            chosen[paper] = (*chosen.get(paper, ()), method)
        else:
            chosen[paper] = ()
    return chosen or None


def with_reported(table: Table, only: Mapping[str, Collection[str]] | None = None) -> Table:
    """Return the table with a row of kind "reported" for each row that papers print for fusion on its data set.

    ``only`` maps papers to methods (empty: all methods); None means all papers. The rows have the digits as printed and
    no rank. A column has only numbers computed by its own convention: other numbers are left out, and a footnote for each
    printed table says which and why. Rows without any number left are named in the caption.
    """
    wanted = dict.fromkeys(papers(), ()) if only is None else only
    rows: list[Row] = []
    empty: list[str] = []
    for name, methods in wanted.items():
        for part in _tables(papers()[name], table):
            chosen = [n for n in part if not methods or n.method in methods]
            reported = list(_rows(papers()[name], chosen, table)) if chosen else []
            rows += reported
            if chosen and not reported:
                empty.append(_note(papers()[name], chosen, table))
    table = replace(table, rows=(*table.rows, *rows)) if rows else table
    for note in empty:
        table = table.saying(f"Not shown: {note}.", "")
    return table


def _tables(paper: Paper, table: Table) -> Iterator[list[Number]]:
    """Yield the numbers of each table of a paper that has fusion metrics of the table's columns on its data set."""
    columns = {column.metric for column in table.columns}
    here = [n for n in paper.numbers if n.kind == "fusion" and n.dataset == table.dataset]
    for which in dict.fromkeys(n.table for n in here):
        part = [n for n in here if n.table == which and _metric(n) in columns]
        if part:
            yield part


def _metric(number: Number) -> str | None:
    card = metric_card(number.metric)
    return card.name if card else None


def _rows(paper: Paper, part: Sequence[Number], table: Table) -> Iterator[Row]:
    note = _note(paper, part, table)
    for method in dict.fromkeys(n.method for n in part):
        values = {_metric(n): n for n in part if n.method == method and _belongs(paper, n, table)}
        if not values:
            continue
        yield Row(
            method=method,
            label=f"{method}, printed in {paper.title} Table {part[0].table}",
            kind=KIND,
            run="",
            status=KIND,
            cells=tuple(_cell(paper, column, values.get(column.metric)) for column in table.columns),
            notes=(note,),
            leads=("",) * len(table.leads),
        )


def _belongs(paper: Paper, number: Number, table: Table) -> bool:
    """Tell whether a printed number may be in the column of its metric, that is whether its convention is the same."""
    metric = _metric(number)
    better = {column.metric: column.better for column in table.columns}
    if metric is None or number.direction != better.get(metric):
        return False
    meant = convention(paper, number.metric)
    # in the paper's own profile both are based on the same assumption, in others nobody knows
    if meant.undecided:
        return paper.profile == table.profile
    return not departure_in_words(meant, metric, table.profile)


def _cell(paper: Paper, column: Column, number: Number | None) -> TableCell:
    if number is None:
        return TableCell(column.metric, None, "–", 0, 0, "skipped", "not printed by this convention")
    pairs = paper.pairs.get(number.dataset, 0)
    return TableCell(column.metric, number.number, number.value, pairs, pairs, KIND)


def _note(paper: Paper, part: Sequence[Number], table: Table) -> str:
    """Return the footnote on the origin of printed numbers and the columns with which they may be compared."""
    pairs = paper.pairs.get(table.dataset)
    source = f"profile {paper.profile}" + (f", {pairs} pairs" if pairs else "")
    where = f"{paper.title} Table {part[0].table}: printed, not measured here, not ranked ({source})"
    barriers = list(pairs_reasons(paper, table.dataset, table.split, table.pairs))
    if barriers:
        gone = [text for text in _groups(paper, part, table) if text.startswith(LEFT_OUT)]
        return "; ".join([where, f"not comparable: {'; '.join(barriers)}", *gone])
    return "; ".join([where, *_groups(paper, part, table)])


def _groups(paper: Paper, part: Sequence[Number], table: Table) -> Iterator[str]:
    """Yield phrases on columns computed in the same way, in another way, and in an undecided way."""
    alike: list[str] = []
    undecided: list[str] = []
    others: dict[str, list[str]] = {}
    better = {column.metric: column.better for column in table.columns}
    for name, number in {str(_metric(n)): n for n in part}.items():
        meant = convention(paper, number.metric)
        other = departure_in_words(meant, name, table.profile)
        if number.direction != better[name]:
            others.setdefault(f"the paper calls {number.direction} better", []).append(name)
        elif meant.undecided:
            undecided.append(name)
        elif other:
            others.setdefault(other, []).append(name)
        else:
            alike.append(name)
    if alike:
        yield f"comparable in {', '.join(alike)}"
    yield from (
        f"{LEFT_OUT} {', '.join(names)}, another convention: {other}" for other, names in others.items()
    )
    if undecided and paper.profile == table.profile:
        yield f"convention undecided in {', '.join(undecided)}"
    elif undecided:
        yield f"{LEFT_OUT} {', '.join(undecided)}, convention undecided"
