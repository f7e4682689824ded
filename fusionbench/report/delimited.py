"""Tables as comma-separated values for programs: one line for each data set, split, method and metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from fusionbench.report.table import Table
from fusionbench.report.text import one_line

FIELDS = (
    "dataset", "split", "pairs", "limit", "split_hash", "data", "profile", "method", "title", "kind", "run",
    "metric", "version", "better", "value", "n_ok", "n_pairs", "status", "detail", "rank",
)  # fmt: skip


def render(tables: Iterable[Table]) -> str:
    """Return one header and one line for each cell of every table.

    ``value`` has full precision and is empty without an ok score for every pair; ``rank`` counts distinct
    printed values, 1 = best. Line breaks in names and details become blanks: a record is always one line.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for table in tables:
        writer.writerows(_lines(table))
    return out.getvalue()


def _lines(table: Table) -> Iterator[tuple]:
    pairs = (table.dataset, table.split, table.pairs, table.limit, table.split_hash, table.data)
    for row in table.rows:
        method = (table.profile, one_line(row.method), one_line(row.label), row.kind, row.run)
        for column, cell in zip(table.columns, row.cells, strict=True):
            metric = (column.metric, column.version, column.better)
            coverage = (cell.ok, cell.pairs, cell.status, one_line(cell.detail))
            yield *pairs, *method, *metric, cell.value, *coverage, cell.rank
