"""Metrics with one value for all images of a run: cells, captions, boards and comparisons."""

import numpy as np
import pytest
from report_samples import CARDS, card, record, scores
from report_samples import of as of_images

from fusionbench.comparison.runs import compare_runs
from fusionbench.tables import render
from fusionbench.tables.board import build_boards, build_tables

SETTING = "clip (SHA-256 01234567) for both sources, Gaussian kernel with sigma 10, times 1000, biased"
OTHER = SETTING.replace("sigma 10", "sigma 5")
ALL = CARDS | {"CMMD": card("CMMD", better="lower", per="set")}


def of_set(run, value, detail=SETTING, version=1):
    """Return the row of a set-level score; a value that is a string is a status."""
    (row,) = of_images(run | {"dataset": run["dataset"] | {"ids": [""]}}, {"CMMD": value}, version=version)
    return [row | {"detail": detail}]


def table_of(records, *parts, **options):
    (table,) = build_tables(records, scores(*parts), cards=ALL, **options)
    return table


def test_a_cell_is_the_value_and_counts_the_images():
    a, b = record("a", pairs=5), record("b", pairs=5)
    table = table_of([a, b], of_images(a, {"EN": 7.0}), of_set(a, 0.75), of_set(b, 0.5))
    cells = [row.cells[1] for row in table.rows]
    assert [(c.value, c.text, c.ok, c.pairs, c.status, c.rank, c.note) for c in cells] == [
        (0.75, "0.7500", 5, 5, "ok", 2, ""),
        (0.5, "0.5000", 5, 5, "ok", 1, ""),
    ]
    assert (table.columns[1].per, table.columns[1].setting) == ("set", SETTING)
    assert table.columns[0].per == "image"


def test_the_caption_says_what_it_is_of_and_computed_with():
    run = record(pairs=5)
    text = " ".join(table_of([run], of_set(run, 0.5)).caption)
    assert (
        f"CMMD: one value for the set of 5 images, no mean, on colors where there are; computed with {SETTING}."
        in text
    )
    assert "one value for the set" not in " ".join(table_of([run], of_images(run, {"EN": 7.0})).caption)


def test_the_caption_says_which_metrics_are_on_colors():
    run = record(pairs=5)
    for metrics, says in (
        (("EN",), "metrics on the luma of the stored 8-bit images."),
        (("EN", "CMMD"), "metrics on the luma, CMMD on red, green and blue, of the stored 8-bit images."),
        (("CMMD",), "metrics on red, green and blue of the stored 8-bit images."),
    ):
        parts = {"EN": of_images(run, {"EN": 7.0}), "CMMD": of_set(run, 0.5)}
        assert f"Profile canonical: {says}" in table_of([run], *(parts[name] for name in metrics)).caption


def test_settings_are_never_mixed():
    runs = [record(name) for name in "abc"]
    table = table_of(runs, of_set(runs[0], 0.5), of_set(runs[1], 0.1, OTHER), of_set(runs[2], 0.7))
    cells = [row.cells[0] for row in table.rows]
    assert [cell.value for cell in cells] == [0.5, None, 0.7]
    assert [cell.rank for cell in cells] == [1, None, 2]
    assert (cells[1].text, cells[1].status) == ("– (0/3)", "skipped")
    assert cells[1].note.startswith("CMMD skipped: computed with clip")
    assert table.columns[0].setting == SETTING


def test_what_is_missing_says_why_with_the_whole_command():
    command = (
        "`fusionbench weights import FILE --as clip` takes a file that you have, " + "to a long path " * 9
    )
    runs = [record("a"), record("b"), record("c", status="oom"), record("d"), record("e")]
    table = table_of(
        runs, of_set(runs[0], 0.5), of_set(runs[1], "unavailable", command),
        of_set(runs[3], "undefined", "1 image is no set"), metrics=["CMMD"],
    )  # fmt: skip
    cells = {row.method: row.cells[0] for row in table.rows}
    assert {name: cell.status for name, cell in cells.items()} == {
        "a": "ok", "b": "unavailable", "c": "oom", "d": "undefined", "e": "skipped",
    }  # fmt: skip
    assert cells["b"].note == f"CMMD unavailable: {command.strip()}"
    assert cells["c"].note == ""  # the row's own footnote
    assert cells["d"].note == "CMMD undefined: 1 image is no set"
    assert cells["e"].note == "CMMD skipped: not scored"


def test_older_versions_are_not_shown():
    old, new = record("old"), record("new")
    table = table_of([old, new], of_set(old, 0.5, version=1), of_set(new, 0.7, version=2))
    cells = {row.method: row.cells[0] for row in table.rows}
    assert cells["new"].value == 0.7
    assert cells["old"].note == "CMMD skipped: scored by version 1 only"


def test_a_board_has_no_values_of_single_images_for_it():
    run = record(pairs=3)
    (board,) = build_boards(
        [run], scores(of_images(run, {"EN": [1.0, 2.0, 3.0]}), of_set(run, 0.5)), cards=ALL
    )
    assert [column.metric for column in board.columns] == ["EN"]
    assert np.isnan(board.values("CMMD")).all()
    assert board.values("EN").tolist() == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize("format", ["md", "csv", "tex"])
def test_every_format_prints_it(format):
    run = record(pairs=3)
    text = render(build_tables([run], scores(of_set(run, 0.5)), cards=ALL), format)
    assert "0.5" in text
    assert "CMMD" in text


def compared(a, b, ours, theirs):
    rows = {id(a): scores(*ours), id(b): scores(*theirs)}
    (cell,) = compare_runs([a], [b], lambda records: rows[id(records[0])], metrics=["CMMD"], cards=ALL).cells
    return cell.metrics[0]


@pytest.mark.parametrize(
    ("value", "kind", "says"),
    [
        (0.5, "identical", "identical for the set"),
        (0.50001, "rounding", "same within rounding: 1.0e-05 for the set"),
        (0.4, "differs", "differs: -0.1000, one value for the set, no interval, B better"),
        (0.7, "differs", "differs: +0.2000, one value for the set, no interval, B worse"),
        ("unavailable", "incomparable", "not comparable: no set has a score in both"),
    ],
)
def test_sets_are_compared_by_their_values(value, kind, says):
    a, b = record("m", run="1"), record("m", run="2")
    difference = compared(a, b, [of_set(a, 0.5)], [of_set(b, value)])
    assert (difference.kind, difference.verdict) == (kind, says)
    assert difference.one_sided == (value == "unavailable")
    assert (difference.low, difference.high) == (None, None)


def test_sets_of_other_images_or_settings_are_not_compared():
    a, b = record("m", run="1", pairs=3), record("m", run="2", pairs=2)
    difference = compared(a, b, [of_set(a, 0.5)], [of_set(b, 0.5)])
    assert (difference.kind, difference.verdict) == (
        "incomparable",
        "not comparable: of other sets of images",
    )
    b = record("m", run="2", pairs=3)
    difference = compared(a, b, [of_set(a, 0.5)], [of_set(b, 0.5, OTHER)])
    assert difference.kind == "incomparable"
    assert "sigma 10, times 1000, biased in A" in difference.verdict
    assert "sigma 5, times 1000, biased in B" in difference.verdict
