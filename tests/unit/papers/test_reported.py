"""The numbers that papers print, as shipped in leaderboards/reported."""

import csv

import pytest

from fusionbench.providers import share

COLUMNS = [
    "paper", "table", "kind", "dataset", "train_dataset", "method", "setting", "metric", "value", "direction",
    "own_method", "note",
]  # fmt: skip
LOWER = {"time_ms", "MSRS_ms", "M3FD_ms", "GFLOPs@256", "GFLOPs@512", "params_M", "size_rank", "speed_rank"}
# table -> how many numbers the paper prints in it
NUMBERS = {1: 77, 2: 77, 3: 77, 4: 104, 5: 77, 6: 77, 7: 77, 8: 28, 9: 42, 10: 24, 11: 72}


@pytest.fixture(scope="module")
def rows():
    with (share("leaderboards/reported") / "refinefuse.csv").open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream, strict=True)
        rows = list(reader)
        assert reader.fieldnames == COLUMNS
    return rows


def test_every_table_is_complete_and_no_number_stands_twice(rows):
    counts = {table: sum(row["table"] == str(table) for row in rows) for table in NUMBERS}
    assert counts == NUMBERS
    assert len(rows) == sum(NUMBERS.values())
    keys = {(row["table"], row["method"], row["setting"], row["metric"]) for row in rows}
    assert len(keys) == len(rows)


def test_every_row_is_well_formed(rows):
    for row in rows:
        assert row["paper"] == "refinefuse"
        assert float(row["value"]) >= 0
        assert row["direction"] == ("lower" if row["metric"] in LOWER else "higher")
        assert row["own_method"] == str(int(row["method"] == "RefineFuse"))
        assert row["kind"] in {"fusion", "detection", "ablation", "complexity"}
        assert (row["dataset"] == "") == (row["kind"] == "complexity")


def test_values_lie_in_the_range_of_their_metric(rows):
    ranges = {"Qabf": (0, 1), "SCD": (-2, 2), "EN": (0, 8), "SSIM": (-2, 2), "VIF": (0, 4)}
    for row in rows:
        low, high = ranges.get(row["metric"], (0, float("inf")))
        assert low <= float(row["value"]) <= high, row


def test_rows_of_one_table_have_the_same_metrics(rows):
    for table in NUMBERS:
        by_row = {}
        for row in rows:
            if row["table"] == str(table):
                by_row.setdefault((row["method"], row["setting"]), []).append(row["metric"])
        widest = max(by_row.values(), key=len)
        for (method, _), metrics in by_row.items():
            # the paper prints dashes for MST's size and ranks, which are no numbers
            assert metrics == (["MSRS_ms", "M3FD_ms"] if (table, method) == (11, "MST") else widest)


@pytest.mark.parametrize(
    ("table", "setting", "metric", "value"),
    [
        (1, "", "VIF", "1.0554"),
        (3, "", "Qabf", "0.5344"),
        (9, "I: 1 layer, A=no, B=no, C=no", "VIF", "1.01"),
        (9, "IV: 2 layers, A=yes, B=yes, C=no", "SF", "11.74"),
        (9, "4 layers, A=yes, B=yes, C=yes", "SSIM", "0.94"),
        (11, "", "GFLOPs@512", "48.11"),
    ],
)
def test_numbers_are_kept_as_printed(rows, table, setting, metric, value):
    own = [row for row in rows if row["table"] == str(table) and row["own_method"] == "1"]
    assert [r["value"] for r in own if (r["setting"], r["metric"]) == (setting, metric)] == [value]


def test_the_ablations_end_at_the_numbers_of_the_main_table(rows):
    def own(table, setting):
        key = (table, "RefineFuse", setting)
        chosen = [row for row in rows if (row["table"], row["method"], row["setting"]) == key]
        return {row["metric"]: float(row["value"]) for row in chosen if row["metric"] != "time_ms"}

    main = own("1", "")
    assert own("8", "") == main
    assert own("10", "4 layers") == pytest.approx(main, abs=0.0006)
    modules = own("9", "4 layers, A=yes, B=yes, C=yes")
    assert modules.pop("EN") == 6.63  # the paper's Table 9 differs from its Table 1 (6.6006) here
    assert modules == pytest.approx({name: main[name] for name in modules}, abs=0.005)
