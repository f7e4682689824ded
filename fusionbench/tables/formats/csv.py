"""Tables as comma-separated values for programs, one line for each data set, split, method and metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from fusionbench.tables.model import Table, one_line

FIELDS = (
    "dataset", "split", "pairs", "limit", "split_hash", "data", "profile", "method", "title", "kind", "run",
    "metric", "version", "better", "value", "n_ok", "n_pairs", "status", "detail", "rank",
    "sd", "low", "high", "not_worse",
)  # fmt: skip


def render(tables: Iterable[Table]) -> str:
    """Return a header and one line for each cell of all tables; tables over several data sets are split into them.

    ``value`` has full precision and is empty unless every pair has an ok score. ``rank`` counts distinct printed values,
    1 = best. ``sd``, ``low``, ``high`` (bounds of the interval) and ``not_worse`` are empty unless requested. Texts that a
    layout has between labels and numbers are further columns. Line breaks in texts become blanks, so that a record is
    always one line.
    """
    parts = [part for table in tables for part in table.parts or (table,)]
    leads = list(dict.fromkeys(lead for part in parts for lead in part.leads))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*FIELDS, *leads))
    for part in parts:
        writer.writerows(_lines(part, leads))
    return out.getvalue()


def _lines(table: Table, leads: Sequence[str]) -> Iterator[tuple]:
    pairs = (table.dataset, table.split, table.pairs, table.limit, table.split_hash, table.data)
    for row in table.rows:
        method = (table.profile, one_line(row.method), one_line(row.label), row.kind, row.run)
        known = dict(zip(table.leads, row.leads, strict=False))  # rows of printed numbers have none
        texts = [one_line(known.get(lead, "")) for lead in leads]
        for column, cell in zip(table.columns, row.cells, strict=True):
            metric = (column.metric, column.version, column.better)
            coverage = (cell.ok, cell.pairs, cell.status, one_line(cell.detail))
            low, high = cell.interval or (None, None)
            tied = None if cell.tied is None else str(cell.tied).lower()
            yield *pairs, *method, *metric, cell.value, *coverage, cell.rank, cell.sd, low, high, tied, *texts
