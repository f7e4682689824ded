import io

import pytest
from report_samples import CARDS, card, of, record, scores, weird_leaderboard
from rich.cells import cell_len
from rich.console import Console

from fusionbench.tables import build_tables
from fusionbench.tables.formats.terminal import print_tables


def show(tables, width, **options):
    out = io.StringIO()
    print_tables(tables, Console(file=out, width=width, **options))
    return out.getvalue()


def test_names_are_printed_as_they_stand_and_marked_footnotes_below():
    text = show(build_tables(*weird_leaderboard(), cards=CARDS), 200)
    assert "[67] R|e_fine & Fuse <50 %> $x^2$ `~#{}\\ --*" in text  # no markup, no line break
    assert "[noise]" in text
    assert "– (2/3) [2]" in text
    assert "[2] VIF failed on 1 of 3 pairs: disk | full_." in text
    assert "3 of 361 pairs" in text


@pytest.mark.parametrize("width", [40, 60, 80, 300])
def test_a_narrow_terminal_cuts_off_no_number(width):
    metrics = {f"METRIC{i}": 10.0 + i for i in range(10)}
    runs = [record("a_rather_long_method_name"), record("b")]
    cards = {name: card(name) for name in metrics}
    tables = build_tables(runs, scores(*(of(run, metrics) for run in runs)), cards=cards)
    text = show(tables, width)
    assert all(text.count(f"{value:.4f}") == 2 for value in metrics.values())
    assert all(f"{name} ↑" in text for name in metrics)
    assert "…" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_best_is_bold_and_second_underlined():
    x, y = record("x"), record("y")
    tables = build_tables([x, y], scores(of(x, {"VIF": 0.3}), of(y, {"VIF": 0.2})), cards=CARDS)
    text = show(tables, 80, force_terminal=True, color_system="standard")
    assert "\x1b[1m0.3000\x1b[0m" in text
    assert "\x1b[4m0.2000\x1b[0m" in text


def test_a_table_without_a_column_is_printed():
    run = record(status="unavailable", detail="no weights")
    text = show(build_tables([run], scores(), cards=CARDS), 80)
    assert "[1] refinefuse unavailable: no weights." in text
