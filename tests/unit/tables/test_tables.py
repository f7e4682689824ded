import json
import random
import subprocess
import sys
import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import CARDS, card, of, record, scores, weird_leaderboard

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.tables import FORMATS, render
from fusionbench.tables.board import build_tables
from fusionbench.tables.model import to_json


def build(records, *parts, **options):
    return build_tables(records, scores(*parts), cards=CARDS, **options)


def only(tables):
    assert len(tables) == 1
    return tables[0]


def cell(table, method, metric):
    row = next(row for row in table.rows if row.method == method)
    return next(cell for cell in row.cells if cell.metric == metric)


def caption(table):
    return " ".join(table.caption)


def test_a_cell_is_the_mean_over_all_images():
    run = record()
    table = only(build([run], of(run, {"VIF": [0.1, 0.2, 0.6]})))
    assert cell(table, "refinefuse", "VIF").value == pytest.approx(0.3, abs=1e-15)
    assert cell(table, "refinefuse", "VIF").text == "0.3000"
    assert [(c.metric, c.arrow) for c in table.columns] == [("VIF", "↑")]


@pytest.mark.parametrize("missing", ["undefined", "failed", float("nan"), float("inf")])
def test_a_shorter_mean_is_never_printed(missing):
    run = record(pairs=40)
    rows = of(run, {"VIF": [0.5] * 38 + [missing] * 2}, reasons={"undefined": "flat", "failed": "disk full"})
    got = cell(only(build([run], rows)), "refinefuse", "VIF")
    assert (got.value, got.text, got.ok, got.pairs, got.rank) == (None, "– (38/40)", 38, 40, None)
    assert got.note.startswith("VIF ")
    assert " on 2 of 40 pairs: " in got.note


def test_images_without_any_score_count_as_missing():
    run = record(pairs=3, images={"p2": {"status": "failed", "detail": "truncated file"}})
    rows = [row for row in of(run, {"VIF": 0.5}) if row["image"] == "p0"]
    got = cell(only(build([run], rows)), "refinefuse", "VIF")
    assert got.text == "– (1/3)"
    assert {got.detail} <= {"not scored", "truncated file"}


def test_scores_of_images_outside_the_split_do_not_count():
    run = record(pairs=2)
    rows = of(run, {"VIF": [0.5, 0.25]})
    rows += [row | {"image": "stranger", "value": 9.0} for row in rows[:1]]
    assert cell(only(build([run], rows)), "refinefuse", "VIF").value == 0.375


def test_an_undefined_column_gives_the_most_frequent_reason_once():
    copy = record("visible", kind="trivial")
    reason = {"undefined": "fused image equals source b"}
    table = only(build([copy], of(copy, {"SCD": "undefined", "VIF": "undefined", "EN": 6.0}, reasons=reason)))
    assert cell(table, "visible", "SCD").text == "– (0/3)"
    assert table.footnotes == ["VIF, SCD undefined: fused image equals source b"]


def test_the_most_frequent_reason_wins():
    run = record(pairs=5)
    rows = of(run, {"VIF": ["failed", "undefined", "undefined", "failed", "undefined"]}, reasons={
        "failed": "disk full", "undefined": "flat image"})  # fmt: skip
    assert only(build([run], rows)).footnotes == [
        "VIF undefined on 3 of 5 pairs: flat image; 2 more for other reasons"
    ]


def test_a_method_that_could_not_run_keeps_its_row():
    detail = "No weights: " + "x" * 300
    run, gone = record(), record("other", title="Other", status="unavailable", detail=detail)
    table = only(build([run, gone], of(run, {"VIF": 0.5})))
    got = cell(table, "other", "VIF")
    assert (got.text, got.status, got.note) == ("– (0/3)", "unavailable", "")
    (note,) = table.footnotes
    assert note.startswith("Other unavailable: No weights: xxx")
    assert note.endswith("…")
    assert len(note) < 150


def test_rows_are_grouped_by_kind_and_ordered_by_name():
    kinds = {"zeta": "learned", "Alpha": "learned", "pyramid": "classical", "folder": "external",
             "visible": "trivial", "average": "trivial"}  # fmt: skip
    runs = [record(name, kind=kind) for name, kind in kinds.items()]
    table = only(build(runs, *(of(run, {"VIF": 0.5}) for run in runs)))
    methods, baselines = ([row.method for row in group] for group in table.groups)
    assert methods == ["Alpha", "zeta", "pyramid", "folder"]
    assert baselines == ["average", "visible"]


def test_a_trivial_baseline_can_be_best():
    run, copy = record(), record("visible", kind="trivial")
    table = only(build([run, copy], of(run, {"VIF": 0.5, "NABF": 0.1}), of(copy, {"VIF": 0.9, "NABF": 0.2})))
    assert cell(table, "visible", "VIF").rank == 1
    assert cell(table, "refinefuse", "VIF").rank == 2
    assert cell(table, "refinefuse", "NABF").rank == 1


def test_ties_share_a_rank_by_the_digits_of_the_card():
    runs = [record(name) for name in "xyz"]
    values = [0.114, 0.1149, 0.12]
    table = only(build(runs, *(of(run, {"NABF": v}) for run, v in zip(runs, values, strict=True))))
    assert [cell(table, name, "NABF").rank for name in "xyz"] == [1, 1, 2]


def test_incomplete_cells_have_no_rank_even_if_their_mean_would_win():
    x, y = record("x"), record("y")
    table = only(build([x, y], of(x, {"VIF": [9.0, 9.0, "failed"]}), of(y, {"VIF": 0.1})))
    assert cell(table, "x", "VIF").rank is None
    assert cell(table, "y", "VIF").rank == 1


def test_the_newest_run_is_shown_and_older_ones_are_counted():
    old = record(run="bbb", finished="2026-01-01T23:30:00+00:00")
    new = record(run="aaa", finished="2026-01-02T00:30:00+02:00")  # 22:30 in UTC: the older one
    third = record(run="ccc", finished="2025-01-01T00:00:00Z")
    parts = of(old, {"VIF": 0.25}), of(new, {"VIF": 0.75}), of(third, {"VIF": 1.0})
    table = only(build([new, old, third], *parts))
    assert [row.run for row in table.rows] == ["bbb"]
    assert cell(table, "refinefuse", "VIF").value == 0.25
    assert table.footnotes == ["refinefuse: newest of 3 runs on these pairs, 2 older left out"]


def test_runs_finished_together_are_decided_by_id():
    runs = [record(run=run) for run in "bca"] + [record(run="z", finished=None, status="running")]
    assert [row.run for row in only(build(runs, of(runs[0], {"VIF": 0.25}))).rows] == ["c"]


def test_parts_of_one_run_in_two_folders_are_one_run():
    here = record(pairs=2, images={"p0": {"status": "failed", "detail": "x"}}) | {"path": "one"}
    there = record(pairs=2) | {"path": "two"}
    rows = of(here, {"VIF": [0.5, "failed"]})
    rows += [row | {"status": "ok", "value": 1.0} for row in rows[1:]]
    table = only(build([here, there], rows))
    assert cell(table, "refinefuse", "VIF").value == 0.75
    assert table.footnotes == []


@pytest.mark.parametrize(
    "other",
    [{"name": "tno"}, {"split": "train"}, {"split_hash": "6" * 64, "limit": 2}, {"data": "e" * 64}],
)
def test_different_sets_of_pairs_never_share_a_table(other):
    here, there = record("x"), record("y", **other)
    tables = build([here, there], of(here, {"VIF": 0.5}), of(there, {"VIF": 0.6}))
    assert sorted(row.method for table in tables for row in table.rows) == ["x", "y"]
    assert len(tables) == 2
    assert all(cell(table, table.rows[0].method, "VIF").rank == 1 for table in tables)


def test_only_the_newest_version_of_a_metric_is_shown():
    x, y = record("x"), record("y")
    parts = of(x, {"VIF": 0.5}, version=9), of(x, {"VIF": 0.75}, version=10), of(y, {"VIF": 1.0}, version=9)
    table = only(build([x, y], *parts))
    assert (table.columns[0].version, table.columns[0].older) == ("10", ("9",))
    assert cell(table, "x", "VIF").value == 0.75
    assert cell(table, "y", "VIF").text == "– (0/3)"
    assert table.footnotes == ["VIF skipped: scored by version 9 only"]
    assert "Scores of older metric versions left out: VIF 9." in caption(table)


def test_profiles_are_never_mixed():
    run = record()
    parts = of(run, {"VIF": 0.5}), of(run, {"VIF": 0.9, "EN": 7.0}, profile="cddfuse")
    assert cell(only(build([run], *parts)), "refinefuse", "VIF").value == 0.5
    other = only(build([run], *parts, profile="cddfuse"))
    assert [column.metric for column in other.columns] == ["EN", "VIF"]
    assert "Profile cddfuse" in caption(other)


def test_metrics_come_in_the_order_asked_for():
    run = record()
    table = only(build([run], of(run, {"VIF": 0.5, "EN": 7.0}), metrics=["nabf", "VIF", "en", "vif"]))
    assert [column.metric for column in table.columns] == ["NABF", "VIF", "EN"]
    assert cell(table, "refinefuse", "NABF").text == "– (0/3)"
    with pytest.raises(UnknownNameError, match="did you mean 'VIF'"):
        build([run], of(run, {"VIF": 0.5}), metrics=["VIFF"])


def test_a_scored_metric_without_a_card_is_named():
    run = record()
    table = only(build([run], of(run, {"VIF": 0.5, "MINE": 1.0})))
    assert [column.metric for column in table.columns] == ["VIF"]
    assert "metric card: MINE." in caption(table)


def test_labels_tell_variants_random_weights_and_namesakes_apart():
    random_weights = {"source": "random", "sha256": None, "note": ""}
    reduced = {"source": "shipped", "sha256": "ab", "note": "", "label": "semantic=none"}
    runs = [
        record("refinefuse", title="RefineFuse"),
        record("refinefuse@cpu", title="RefineFuse"),
        record("lsnf", title="LSNF", weights=random_weights),
        record("csp_mcin", title="CSP-MCIN", weights=reduced),
        record("one", title="Same"),
        record("two", title="Same"),
    ]
    labels = {row.method: row.label for row in only(build(runs, of(runs[0], {"VIF": 0.5}))).rows}
    assert labels == {
        "refinefuse": "RefineFuse", "refinefuse@cpu": "RefineFuse @cpu", "lsnf": "LSNF, random weights",
        "csp_mcin": "CSP-MCIN, semantic=none",
        "one": "Same (one)", "two": "Same (two)",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "text"),
    [
        ({"pairs": 40, "expected": 361}, "40 of 361 pairs"),
        ({"pairs": 361, "expected": 361}, "361 pairs"),
        ({"pairs": 1, "expected": None}, "1 pair"),
        ({"pairs": 5, "expected": 40, "limit": 5}, "first 5 of 40 pairs"),
        ({"pairs": 3, "expected": 3, "limit": 5}, "3 pairs"),
        ({"pairs": 3, "expected": 3, "limit": 3}, "3 pairs"),
        ({"pairs": 40, "expected": 361, "limit": 50}, "40 of 361 pairs"),
        ({"pairs": 5, "expected": None, "limit": 5}, "first 5 pairs"),
    ],
)
def test_the_caption_says_how_much_of_the_split_is_used(dataset, text):
    run = record(**dataset)
    table = only(build([run], of(run, {"EN": 7.0})))
    assert table.heading == f"MSRS, test split, {text}"
    assert caption(table).startswith(
        f"Mean scores on {table.heading} (split hash 55555555, data hash dddddddd);"
    )


def test_a_limit_that_cut_nothing_off_separates_no_rows():
    x, y = record("x", limit=3, expected=None), record("y", expected=None)
    table = only(build([x, y], of(x, {"EN": 7.0}), of(y, {"EN": 6.0})))
    assert (table.coverage, table.limit) == ("3 pairs", None)


def test_the_largest_set_of_pairs_of_a_split_comes_first():
    part, whole = record("x", pairs=2, limit=2, expected=3, data="0" * 64), record("x", pairs=3)
    tables = build([part, whole], of(part, {"EN": 7.0}), of(whole, {"EN": 6.0}))
    assert [table.coverage for table in tables] == ["3 pairs", "first 2 of 3 pairs"]


def test_a_reason_that_the_row_gives_is_not_repeated_for_its_cells():
    images = {"p1": {"status": "failed", "detail": "disk full"}}
    run = record(status="failed", detail="1 of 3 images: disk full", images=images)
    rows = of(run, {"EN": [7.0, "failed", 7.0], "VIF": "undefined"}, reasons={
        "failed": "disk full", "undefined": "flat image"})  # fmt: skip
    table = only(build([run], rows))
    assert cell(table, "refinefuse", "EN").text == "– (2/3)"
    assert table.footnotes == ["refinefuse failed: 1 of 3 images: disk full", "VIF undefined: flat image"]


def test_an_unfinished_run_says_so():
    run = record(status="running", finished=None)
    table = only(build([run], of(run, {"EN": 7.0})))
    assert cell(table, "refinefuse", "EN").text == "7.0000"
    assert table.footnotes == ["refinefuse: run not finished"]


def test_the_caption_lists_weights_versions_and_every_device():
    weights = {"source": "shipped", "sha256": "abcdef0123456789", "note": "Trained on 1083 MSRS pairs."}
    x = record("x", weights=weights, device="cpu A", torch="2.4.0")
    y = record("y", kind="classical", device="cuda B", color="rgb")
    table = only(build([x, y], of(x, {"EN": 7.0}), of(y, {"VIF": 0.5}, version=2)))
    said = caption(table)
    assert "Weights: x: shipped, SHA-256 abcdef01 (Trained on 1083 MSRS pairs)." in said
    assert "Metric versions: EN 1, VIF 2." in said
    assert "Made with fusionbench 0.1.0; torch 2.15.0, 2.4.0; device cpu A, cuda B." in said
    assert "Luma methods fuse Y (BT.601, full range) and keep source b's chroma." in said
    assert "RGB methods fuse all channels of source b: y." in said
    assert "a is infrared, b is visible" in said


def test_the_caption_says_which_rows_are_our_reading_of_a_paper():
    said = "losses are our reading, not the authors'."
    rows = [record(name) for name in ("lsnf", "lsnf@wo_gwpl", "other")]
    for row in rows[:2]:
        row["method"]["reading"] = said
    table = only(build(rows, *(of(row, {"EN": 7.0}) for row in rows)))
    assert f"lsnf, lsnf@wo_gwpl: {said}" in caption(table)
    assert caption(table).count("our reading") == 1


def test_no_score_at_all_still_gives_a_table():
    run = record(status="failed", detail="out of disk")
    table = only(build_tables([run], scores(), cards=CARDS))
    assert table.columns == ()
    assert table.footnotes == ["refinefuse failed: out of disk"]
    for format in FORMATS:
        assert render([table], format)


def test_json_holds_plain_types_and_no_nan():
    records, table = weird_leaderboard()
    document = to_json(build_tables(records, table, cards=CARDS))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document[0]["rows"][0]["cells"][0]["value"] is None
    assert document[0]["columns"][0]["better"] == "higher"
    assert len(document[0]["footnotes"]) == 3


@pytest.mark.parametrize("format", FORMATS)
def test_the_order_of_records_and_scores_changes_no_byte(format):
    records, table = weird_leaderboard()
    older = [record("visible", kind="trivial", run="older", expected=361, finished="2020-01-01T00:00:00Z")]
    expected = render(build_tables(records + older, table, cards=CARDS), format)
    shuffle = random.Random(7)
    for seed in range(5):
        mixed = shuffle.sample(records + older, len(records) + 1)
        rows = table.sample(frac=1, random_state=seed)
        assert render(build_tables(mixed, rows, cards=CARDS), format) == expected


def test_an_unknown_format_is_refused():
    with pytest.raises(RequestError, match="'xlsx': use one of md, csv, tex"):
        render([], "xlsx")


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, fusionbench.tables, fusionbench.tables.board, fusionbench.tables.formats.latex\n"
        "print([m for m in ('torch', 'pandas', 'numpy', 'lightning', 'kornia') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_default_cards_are_those_of_the_metrics():
    run = record()
    table = only(build_tables([run], scores(of(run, {"VIF": 0.5}))))
    assert [(column.metric, column.arrow) for column in table.columns] == [("VIF", "↑")]


VALUE = st.floats(-100, 100) | st.sampled_from(["failed", "undefined"])


@settings(max_examples=60)
@given(st.lists(st.tuples(VALUE, VALUE).map(list), min_size=1, max_size=5), st.sampled_from(["VIF", "NABF"]))
def test_a_cell_has_a_rank_if_and_only_if_every_image_is_ok(values, metric):
    runs = [record(f"m{i}", pairs=2) for i in range(len(values))]
    table = only(build(runs, *(of(run, {metric: pair}) for run, pair in zip(runs, values, strict=True))))
    for row, pair in zip(table.rows, values, strict=True):
        full = all(isinstance(value, float) for value in pair)
        assert (row.cells[0].rank is not None) == full == (row.cells[0].value is not None)
        assert row.cells[0].text.startswith("– (") != full
    placed = [row.cells[0] for row in table.rows if row.cells[0].rank is not None]
    if placed:
        best = (min if CARDS[metric].better == "lower" else max)(float(cell.text) for cell in placed)
        assert {cell.rank == 1 for cell in placed if float(cell.text) == best} == {True}
        assert not any(cell.rank == 1 for cell in placed if float(cell.text) != best)


def test_a_hundred_thousand_scores_make_a_table_within_five_seconds():
    runs = [record(f"m{i}", pairs=400) for i in range(25)]
    names = [f"M{i}" for i in range(10)]
    frames = [pd.DataFrame(of(run, dict.fromkeys(names, 0.5))) for run in runs]
    long = pd.concat(frames)
    started = time.process_time()
    table = only(build_tables(runs, long, cards={name: card(name) for name in names}))
    assert time.process_time() - started < 5
    assert len(long) == 100_000
    assert all(cell.value == 0.5 for row in table.rows for cell in row.cells)
