"""Joining tables of several sets of pairs, side by side or one below the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from fusionbench.tables.board import Board, row_key
from fusionbench.tables.layouts.spread import RANK
from fusionbench.tables.model import Column, Row, Table, TableCell
from fusionbench.tables.runs import RANDOM, labels_of

TESTED = "Tested on"


def beside(boards: Sequence[Board], tables: Sequence[Table]) -> Table:
    """Return one table with a group of columns for each table; ``tables`` are made from ``boards``.

    A row that a table does not have is shown with 0 pairs there. A single table is returned unchanged.
    """
    if len(tables) == 1:
        return tables[0]
    titles = _titles(tables)
    columns = [
        replace(c, group=title) for table, title in zip(tables, titles, strict=True) for c in table.columns
    ]
    rows = [_across(name, tables, titles) for name in _names(boards, tables)]
    return _joined(tables, titles, columns, _relabeled(rows, boards) if tables[0].stub == "Method" else rows)


def below(boards: Sequence[Board], tables: Sequence[Table]) -> Table:
    """Return one table with a block of rows for each table; ranks remain those within a block."""
    joined = stacked(tables, _titles(tables), TESTED)
    if len(tables) == 1:
        return joined
    return joined.saying("Best and second best are those of one test set.")


def stacked(tables: Sequence[Table], titles: Sequence[str], lead: str) -> Table:
    """Return one table with ``tables`` as blocks, each with its title in a column with the header ``lead``."""
    columns = list({column.metric: column for table in tables for column in table.columns}.values())
    parts = [_block(table, title, lead) for table, title in zip(tables, titles, strict=True)]
    rows = [_filled(row, part, columns) for part in parts for row in part.rows]
    return parts[0] if len(parts) == 1 else _joined(parts, titles, columns, rows)


def _block(table: Table, title: str, lead: str) -> Table:
    rows = tuple(replace(row, leads=(title,), block=title) for row in table.rows)
    return replace(table, rows=rows, leads=(lead,))


def _filled(row: Row, part: Table, columns: Sequence[Column]) -> Row:
    cells = {cell.metric: cell for cell in row.cells}
    return replace(
        row, cells=tuple(cells.get(c.metric) or _nothing(c.metric, part.pairs, "not scored") for c in columns)
    )


def _nothing(metric: str, pairs: int, detail: str) -> TableCell:
    if metric == RANK.metric:
        return TableCell(metric, None, "–", 0, 0, "skipped", detail)
    return TableCell(metric, None, f"– (0/{pairs})", 0, pairs, "skipped", detail)


def _titles(tables: Sequence[Table]) -> list[str]:
    """Return distinct titles of the data sets, with the split or the whole heading if titles are equal."""
    for words in (lambda t: t.title, lambda t: f"{t.title} {t.split}", lambda t: t.heading):
        titles = [words(table) for table in tables]
        if len(set(titles)) == len(titles):
            return titles
    return [f"{title} ({table.data[:8]})" for title, table in zip(titles, tables, strict=True)]


def _names(boards: Sequence[Board], tables: Sequence[Table]) -> list[str]:
    """Return every row's method once, in the tables' own order if it was chosen, else in that of leaderboards."""
    names = list(dict.fromkeys(row.method for table in tables for row in table.rows))
    if tables[0].stub != "Method":
        return names
    records = {record["method"]["name"]: record for board in boards for record in board.records}
    return sorted(names, key=lambda name: row_key(records[name]))


def _across(name: str, tables: Sequence[Table], titles: Sequence[str]) -> Row:
    rows = [next((row for row in table.rows if row.method == name), None) for table in tables]
    first = next(row for row in rows if row is not None)
    cells = chain.from_iterable(
        [_nothing(c.metric, table.pairs, "no run on these pairs") for c in table.columns]
        if row is None
        else [replace(cell, note=f"{title}: {cell.note}" if cell.note else "") for cell in row.cells]
        for row, table, title in zip(rows, tables, titles, strict=True)
    )
    present = [(title, row.notes) for title, row in zip(titles, rows, strict=True) if row is not None]
    runs = ", ".join(dict.fromkeys(row.run for row in rows if row is not None))
    return replace(first, run=runs, cells=tuple(cells), notes=tuple(_shared(present)))


def _shared(said: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Yield each sentence once; one that does not apply to all parts begins with the title of its part."""
    everywhere = set.intersection(*(set(sentences) for _, sentences in said))
    met = set()
    for title, sentences in said:
        for sentence in sentences:
            if sentence not in everywhere:
                yield f"{title}: {sentence}"
            elif sentence not in met:
                met.add(sentence)
                yield sentence


def _relabeled(rows: Iterable[Row], boards: Sequence[Board]) -> list[Row]:
    """Return the rows with labels that are distinct in the joined table, not only within each data set."""
    # reversed, so that of several records of a method the first data set's is kept
    records = {record["method"]["name"]: record for board in reversed(boards) for record in board.records}
    sources = {
        side: " or ".join(dict.fromkeys(b.records[0]["dataset"][side] for b in boards)) for side in "ab"
    }
    labels = labels_of(
        [{**record, "dataset": {**record["dataset"], **sources}} for record in records.values()]
    )
    # methods whose weights were random on some of the data sets only
    random = {r["method"]["name"] for b in boards for r in b.records if r["weights"]["source"] == "random"}
    mixed = {name for name in random if not labels[name].endswith(RANDOM)}
    return [
        replace(
            row,
            label=f"{labels[row.method]}, {RANDOM} in part" if row.method in mixed else labels[row.method],
        )
        for row in rows
    ]


def _joined(
    tables: Sequence[Table], titles: Sequence[str], columns: Sequence[Column], rows: Sequence[Row]
) -> Table:
    first = tables[0]
    splits = list(dict.fromkeys(table.split for table in tables))
    captions = [(title, table.caption[1:]) for title, table in zip(titles, tables, strict=True)]
    briefs = [(title, table.brief[1:]) for title, table in zip(titles, tables, strict=True)]
    warned = [(title, table.warnings) for title, table in zip(titles, tables, strict=True)]
    return replace(
        first,
        dataset="+".join(dict.fromkeys(table.dataset for table in tables)),
        title=_list(list(dict.fromkeys(table.title for table in tables))),
        split=" and ".join(splits),
        coverage=_coverage([table.coverage for table in tables]),
        pairs=sum(table.pairs for table in tables),
        limit=None,
        split_hash="",
        data="",
        columns=tuple(columns),
        rows=tuple(rows),
        # the first sentence of a caption describes its pairs
        caption=(*(table.caption[0] for table in tables), *_shared(captions)),
        brief=(*(table.brief[0] for table in tables if table.brief), *_shared(briefs)),
        warnings=tuple(_shared(warned)),
        parts=tuple(tables),
    )


def _coverage(words: Sequence[str]) -> str:
    return f"{words[0]} each" if len(set(words)) == 1 else ", ".join(words)


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
