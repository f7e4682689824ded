import csv
import io
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import CARDS, of, record, scores, weird_leaderboard

from fusionbench.tables import build_tables, render
from fusionbench.tables.formats.csv import FIELDS
from fusionbench.tables.model import one_line


def test_pandas_reads_back_every_cell():
    (table,) = build_tables(*weird_leaderboard(), cards=CARDS)
    frame = pd.read_csv(io.StringIO(render([table], "csv")))
    assert tuple(frame.columns) == FIELDS
    cells = [(row, cell) for row in table.rows for cell in row.cells]
    assert len(frame) == len(cells) == 15
    for line, (row, cell) in zip(frame.itertuples(), cells, strict=True):
        assert (line.dataset, line.split, line.method) == ("msrs", "test", row.method)
        assert (line.metric, line.n_ok, line.n_pairs, line.status) == (cell.metric, cell.ok, 3, cell.status)
        if cell.value is None:
            assert math.isnan(line.value)
            assert math.isnan(line.rank)
        else:
            assert line.value == pytest.approx(cell.value, rel=1e-14)
            assert line.rank == cell.rank


def test_values_have_full_precision():
    run = record(pairs=1)
    text = render(build_tables([run], scores(of(run, {"VIF": 1 / 3})), cards=CARDS), "csv")
    assert ",0.3333333333333333,1,1,ok,,1,,,,\n" in text


@given(st.text(max_size=20), st.text(max_size=20))
def test_one_line_for_each_cell_whatever_the_names(title, detail):
    run = record("m", title=title or "m", pairs=1)
    rows = of(run, {"EN": "failed", "VIF": 0.5}, reasons={"failed": detail})
    text = render(build_tables([run], scores(rows), cards=CARDS), "csv")
    assert len(text.split("\n")) == 4  # the header, two cells, nothing after the end of the last line
    read = list(csv.DictReader(io.StringIO(text)))
    assert [line["metric"] for line in read] == ["EN", "VIF"]
    assert read[0]["title"] == one_line(title or "m")
    assert read[0]["detail"] == one_line(detail)
