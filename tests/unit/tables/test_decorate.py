import numpy as np
import pytest
from layout_samples import several, tables
from report_samples import CARDS, card, of, record, scores

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.statistics.intervals import mean_interval
from fusionbench.statistics.significance import signed_rank, smallest_p
from fusionbench.tables import render, to_json
from fusionbench.tables.layouts import lay_out
from fusionbench.tables.model import mean_places
from fusionbench.tables.style import TableStyle, check_style, digits_of, read_digits


def only_table(parts, cards=CARDS, **style):
    records = [made for made, _ in parts]
    (table,) = lay_out(
        records, scores(*(of(made, values) for made, values in parts)), TableStyle(**style), cards=cards
    )
    return table


def cells(table, metric):
    i = [column.metric for column in table.columns].index(metric)
    return {row.method: row.cells[i] for row in table.rows}


def caption(table):
    return " ".join(table.caption)


def test_the_standard_deviation_stands_behind_the_mean():
    table = only_table([(record("x", pairs=4), {"VIF": [0.1, 0.2, 0.3, 0.4]})], spread="sd", digits=3)
    cell = cells(table, "VIF")["x"]
    assert cell.sd == pytest.approx(np.std([0.1, 0.2, 0.3, 0.4], ddof=1))
    assert (cell.text, cell.spread) == ("0.250", "± 0.129")
    assert "After ±: standard deviation over the 4 pairs (n - 1)." in table.caption
    assert "**0.250** ± 0.129" in render([table], "md")
    assert r"\textbf{0.250} $\pm$ 0.129" in render([table], "tex")


def test_the_interval_is_that_of_the_statistics_and_named_in_the_caption():
    values = list(np.linspace(0.1, 0.9, 12))
    table = only_table([(record("x", pairs=12), {"VIF": values})], spread="ci", digits=3)
    cell = cells(table, "VIF")["x"]
    assert cell.interval == mean_interval(np.array(values))
    assert cell.spread == f"[{cell.interval[0]:.3f}, {cell.interval[1]:.3f}]"
    said = next(sentence for sentence in table.caption if sentence.startswith("In brackets"))
    assert all(word in said for word in ("95 %", "bootstrap", "12 pairs", "2000", "seed 0"))


@pytest.mark.parametrize("spread", ["sd", "ci"])
def test_a_cell_without_a_mean_and_one_pair_have_no_spread(spread):
    table = only_table([(record("x"), {"VIF": [0.1, 0.2, "failed"]})], spread=spread)
    assert cells(table, "VIF")["x"].spread == ""
    table = only_table([(record("x", pairs=1), {"VIF": 0.5})], spread=spread)
    assert (cells(table, "VIF")["x"].text, cells(table, "VIF")["x"].spread) == ("0.5000", "")


def test_set_level_metrics_have_neither_spread_nor_test():
    made = [(record(name, pairs=20), {"VIF": 0.5}) for name in "xy"]
    cards = {"VIF": card("VIF"), "CMMD": card("CMMD", better="lower", per="set")}
    rows = [of(r, v) for r, v in made]
    for i, (r, _) in enumerate(made):
        line = of(r, {"CMMD": 0.25 + i})[0] | {"image": "", "detail": "one tower"}
        rows.append([line])
    style = TableStyle(spread="sd", significance=True, ranks=True)
    (table,) = lay_out([r for r, _ in made], scores(*rows), style, cards=cards)
    assert [c.spread for c in cells(table, "CMMD").values()] == ["", ""]
    assert [c.tied for c in cells(table, "CMMD").values()] == [None, None]
    assert [c.text for c in cells(table, "Rank").values()] == ["1.25", "1.75"]


def test_what_is_not_significantly_worse_than_the_best_is_marked():
    base = np.linspace(0.2, 0.8, 30)
    noise = np.random.default_rng(0).normal(0, 0.01, 30)
    parts = {"best": base, "near": base + noise - noise.mean() - 1e-5, "worse": base - 0.1}
    table = only_table(
        [(record(name, pairs=30), {"VIF": list(v)}) for name, v in parts.items()], significance=True
    )
    assert {name: c.tied for name, c in cells(table, "VIF").items()} == {
        "best": True, "near": True, "worse": False,
    }  # fmt: skip
    assert all(word in caption(table) for word in ("Wilcoxon", "Holm", "0.05", "30 pairs"))
    assert render([table], "md").count("†") == 3  # two cells and the caption
    assert [line.split(",")[-1] for line in render([table], "csv").splitlines()[1:]] == [
        "true",
        "true",
        "false",
    ]


def test_one_method_is_not_tested():
    assert cells(only_table([(record("x"), {"VIF": 0.5})], significance=True), "VIF")["x"].tied is None


@pytest.mark.parametrize(
    ("texts", "better", "expected"),
    [
        (["0.5", "0.7", "0.6"], "higher", [3, 1, 2]),
        (["0.5", "0.5", "0.6"], "higher", [2.5, 2.5, 1]),
        (["1.0", None, "1.0", "1.0"], "lower", [2, None, 2, 2]),
        (["10.0", "9.0"], "lower", [2, 1]),
    ],
)
def test_equal_digits_share_the_mean_of_their_places(texts, better, expected):
    assert mean_places(texts, better) == expected


def test_the_rank_is_the_mean_over_metrics_by_printed_digits():
    values = {
        "x": {"VIF": 0.70004, "NABF": 0.1},
        "y": {"VIF": 0.7, "NABF": 0.2},
        "z": {"VIF": 0.1, "NABF": 0.3},
    }
    table = only_table([(record(name), v) for name, v in values.items()], ranks=True)
    ranks = cells(table, "Rank")
    assert {name: cell.text for name, cell in ranks.items()} == {"x": "1.25", "y": "1.75", "z": "3.00"}
    assert ranks["x"].rank == 1
    assert "Rank: mean of a row's ranks in VIF, NABF" in caption(table)


def test_a_row_without_every_metric_has_no_rank_and_an_empty_metric_does_not_count():
    parts = [
        (record("x"), {"VIF": 0.5, "EN": 7.0, "SCD": "failed"}),
        (record("y"), {"VIF": 0.4, "EN": "failed"}),
    ]
    table = only_table(parts, ranks=True, metrics=["VIF", "EN", "SCD"])
    assert {name: cell.text for name, cell in cells(table, "Rank").items()} == {"x": "1.00", "y": "– (1/2)"}
    assert "ranks in VIF, EN," in caption(table)


def test_digits_for_all_or_for_one_metric():
    parts = [(record("x"), {"VIF": 0.123456, "NABF": 0.5})]
    assert [c.text for c in only_table(parts, digits=1).rows[0].cells] == ["0.1", "0.5"]
    assert [c.text for c in only_table(parts, digits={"vif": 3}).rows[0].cells] == ["0.123", "0.50"]


def test_the_order_of_metrics_is_the_order_of_columns():
    table = only_table([(record("x"), {"EN": 1.0, "VIF": 0.5})], metrics=["VIF", "EN"])
    assert [column.metric for column in table.columns] == ["VIF", "EN"]


@pytest.mark.parametrize(
    ("parts", "expected"), [(["3"], 3), (["VIF=2", " EN = 0 "], {"VIF": 2, "EN": 0}), ([], None)]
)
def test_digits_are_read(parts, expected):
    assert read_digits(parts) == expected


@pytest.mark.parametrize("parts", [["x"], ["-1"], ["VIF="], ["VIF=2", "3"], ["=3"]])
def test_unclear_digits_are_refused(parts):
    with pytest.raises(RequestError, match="METRIC=N"):
        read_digits(parts)


def test_digits_of_an_unknown_metric_are_refused():
    with pytest.raises(UnknownNameError, match=r"VIFF.*VIF"):
        digits_of({"VIFF": 2}, CARDS)


@pytest.mark.parametrize(
    ("style", "says"),
    [
        ({"layout": "datsets"}, "datasets"),
        ({"spread": "std"}, "sd"),
        ({"digits": 40}, "0 to 12"),
        ({"digits": True}, "0 to 12"),
        ({"digits": {"VIF": "two"}}, "0 to 12"),
        ({"arguments": ["levels"]}, "sensitivity"),
    ],
)
def test_a_style_that_no_table_can_have_is_refused(style, says):
    with pytest.raises((RequestError, UnknownNameError), match=says):
        check_style(TableStyle(**style))


def test_rows_say_where_images_and_weights_come_from():
    trained = {"source": "trained", "sha256": "a" * 64, "file": "w", "note": ""}
    made = [
        record("mine", weights=trained) | {"probe": [0.1]},
        record("yours", weights=trained) | {"probe": [0.2]},
        record("learned", weights=trained | {"source": "file", "seen": ["p2"]}) | {"probe": [0.4]},
        record("images-x", kind="external") | {"probe": []},
        record("octave", kind="classical") | {"probe": []},
        record("plain") | {"probe": [0.3]},
        *(noisy(f"plain@stripe={variance}", variance) for variance in (5, 25)),
    ]
    table = only_table([(r, {"VIF": 0.5}) for r in made])
    of_noise = (
        "fused from sources with noise of that variance in squared gray levels, scored against those without",
    )
    notes = {row.method: row.notes for row in table.rows}
    assert notes == {
        "mine": ("weights trained by fusionbench",),
        "yours": ("weights trained by fusionbench",),
        "learned": (
            "the weights were trained on files of 1 of these 3 pairs, so that these scores are no test of the method",
        ),
        "images-x": ("images made elsewhere, taken over as they are",),
        "octave": ("images made by a command outside fusionbench",),
        "plain": (),
        "plain@stripe=5": of_noise,
        "plain@stripe=25": of_noise,
    }
    assert len(table.footnotes) == 5


def noisy(name: str, variance: float) -> dict:
    made = record(name) | {"probe": [0.4]}
    return made | {"identity": made["identity"] | {"noise": {"a": {"kind": "stripe", "variance": variance}}}}


def test_warnings_stand_as_notes_below_the_caption_in_every_format():
    made = [record("visible", kind="trivial"), record("refinefuse")]
    parts = scores(of(made[0], {"VIF": 0.9}), of(made[1], {"VIF": 0.5}))
    (table,) = lay_out(made, parts, TableStyle(), cards=CARDS, notes=True)
    assert len(table.warnings) == 1
    assert table.warnings[0].startswith("refinefuse was trained and is below trivial baselines: Visible")
    assert f"**Notes**\n\n- {table.warnings[0]}" in render([table], "md")
    assert rf"\textit{{Note.}} {table.warnings[0]}\par" in render([table], "tex")
    assert f"<li>{table.warnings[0]}</li>" in render([table], "html")
    assert to_json([table])[0]["warnings"] == list(table.warnings)
    assert lay_out(made, parts, TableStyle(), cards=CARDS)[0].warnings == ()


def test_a_title_heads_one_table_and_stands_before_the_headings_of_several():
    assert [t.heading for t in tables("datasets", title="Ours")] == ["Ours"]
    assert [t.heading for t in tables("single", several(), title="Ours")] == [
        "Ours: MSRS, test split, 3 pairs", "Ours: TNO, test split, 3 pairs",
    ]  # fmt: skip


@pytest.mark.parametrize(("pairs", "marked"), [(3, False), (5, False), (7, True)])
def test_there_is_no_mark_where_no_test_can_reach_the_level(pairs, marked):
    values = {"best": 0.9, "worse": 0.1}
    made = [
        (record(name, pairs=pairs), {"VIF": [v + i / 100 for i in range(pairs)]})
        for name, v in values.items()
    ]
    table = only_table(made, significance=True)
    assert {c.tied for c in cells(table, "VIF").values()} == ({True, False} if marked else {None})
    assert ("No †: over" in caption(table)) is not marked
    assert ("†: not significantly" in caption(table)) is marked


def test_more_methods_need_more_pairs():
    assert smallest_p(2, 6) < 0.05 < smallest_p(2, 5)
    assert smallest_p(6, 6) > 0.05
    differences = np.arange(1.0, 7.0)
    assert smallest_p(2, 6) == pytest.approx(signed_rank(differences, np.zeros(6)))


def test_intervals_stay_within_the_range_of_a_metric_and_say_so():
    bounded = {"SSIM": card("SSIM", bounds=(-1.0, 1.0))}
    made = record("x", pairs=8)
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.99, 0.2]
    (table,) = lay_out([made], scores(of(made, {"SSIM": values})), TableStyle(spread="ci"), cards=bounded)
    low, high = cells(table, "SSIM")["x"].interval
    assert (low < 0.9, high) == (True, 1.0)
    assert "Intervals of SSIM that would go beyond the metric's range end there." in caption(table)
