"""Printed rows in a leaderboard table: below the others, unranked, with a footnote each printed table."""

import csv
import io
import json

import pytest
from report_samples import of, record, scores

from fusionbench.errors import UnknownNameError
from fusionbench.papers.tables import read_choice, with_reported
from fusionbench.tables import render, to_json
from fusionbench.tables.board import build_tables


def table(pairs=361, profile="refinefuse", metrics=("VIF", "SSIM"), **dataset):
    """A small table of RefineFuse and a trivial baseline on what claims to be MSRS."""
    dataset = {"expected": 361} | dataset
    made = [record("refinefuse", title="RefineFuse", pairs=pairs, **dataset)]
    made.append(record("visible", title="Visible", kind="trivial", pairs=pairs, **dataset))
    values = dict.fromkeys(metrics, 0.5)
    [built] = build_tables(made, scores(*(of(r, values, profile=profile) for r in made)), profile=profile)
    return built


def printed(extended):
    return [row for row in extended.rows if row.kind == "reported"]


def test_printed_rows_stand_below_without_rank():
    plain, extended = table(), with_reported(table())
    assert extended.rows[: len(plain.rows)] == plain.rows
    assert extended.columns == plain.columns
    assert {row.notes[0].split(":")[0] for row in printed(extended)} == {
        "RefineFuse Table 1", "DSIFuse Table 1", "SSPFusion Table 1",
    }  # fmt: skip
    assert all(cell.rank is None for row in printed(extended) for cell in row.cells)
    assert [group[0].kind for group in extended.groups] == ["learned", "trivial", "reported"]


def test_a_row_says_where_it_is_printed_and_keeps_its_digits():
    [row] = [
        r for r in printed(with_reported(table())) if r.label == "SwinFusion, printed in RefineFuse Table 1"
    ]
    vif, ssim = row.cells
    assert (vif.text, vif.value, vif.status, vif.pairs) == ("1.0035", 1.0035, "reported", 361)
    assert ssim.text == "1.0207"


def note(extended, start):
    [text] = [text for text in extended.footnotes if text.startswith(start)]
    return text


def test_the_footnote_says_what_may_be_compared():
    extended = with_reported(table())
    assert "not measured here" in note(extended, "RefineFuse Table 1")
    assert note(extended, "RefineFuse Table 1").endswith("comparable in VIF, SSIM")
    assert note(extended, "DSIFuse Table 1").endswith(
        "comparable in VIF; left out in SSIM, convention undecided"
    )


def test_the_footnote_says_what_is_computed_otherwise():
    extended = with_reported(table(profile="canonical"))
    assert not printed(extended)  # no column holds two conventions
    [text] = [said for said in extended.caption if said.startswith("Not shown: RefineFuse Table 1")]
    assert "left out in SSIM, another convention: canonical computes canonical, the paper skimage-l2" in text
    assert "left out in VIF, another convention: canonical scores the luma" in text
    assert "; comparable in" not in text


def test_a_column_holds_one_convention_and_the_others_are_dashes():
    [row] = [r for r in printed(with_reported(table())) if r.label == "DSIFuse, printed in DSIFuse Table 1"]
    vif, ssim = row.cells
    assert vif.value is not None
    assert (ssim.value, ssim.text) == (None, "–")


def test_papers_and_methods_are_chosen_by_name():
    wanted = read_choice(["refinefuse/swinfusion", "DSIFuse"])
    assert wanted == {"refinefuse": ("SwinFusion",), "dsifuse": ()}
    labels = {row.label for row in printed(with_reported(table(), wanted))}
    assert {label for label in labels if "RefineFuse Table" in label} == {
        "SwinFusion, printed in RefineFuse Table 1"
    }
    assert len({label for label in labels if "DSIFuse Table" in label}) > 1
    with pytest.raises(UnknownNameError, match="paper 'refinefus'"):
        read_choice(["refinefus"])
    with pytest.raises(UnknownNameError, match="method in refinefuse 'SwinFusio'"):
        read_choice(["refinefuse/SwinFusio"])


@pytest.mark.parametrize(
    ("pairs", "more", "said"),
    [
        (40, {}, "not comparable: 40 of the paper's 361 pairs"),
        (361, {"split": "train"}, "not comparable: other split: train"),
    ],
)
def test_the_footnote_says_why_other_pairs_cannot_be_compared(pairs, more, said):
    assert note(with_reported(table(pairs=pairs, **more)), "RefineFuse Table 1").endswith(said)


def test_a_metric_that_a_paper_does_not_print_is_a_dash():
    extended = with_reported(table(metrics=("VIF", "SCD")))
    [row] = [r for r in printed(extended) if r.label == "DSIFuse, printed in DSIFuse Table 1"]
    cells = {cell.metric: cell for cell in row.cells}
    assert (cells["SCD"].value, cells["SCD"].text) == (None, "–")
    assert cells["VIF"].text == "1.050"


def test_only_the_wanted_papers():
    extended = with_reported(table(), only={"dsifuse": ()})
    assert {row.notes[0].split()[0] for row in printed(extended)} == {"DSIFuse"}


@pytest.mark.parametrize("made", [{"name": "llvip"}, {"metrics": ("NMI",)}])
def test_a_table_that_no_paper_prints_stays_as_it_is(made):
    plain = table(**made)
    assert with_reported(plain) is plain


def test_markdown_has_a_heading_of_its_own():
    lines = render([with_reported(table())], "md").splitlines()
    at = [i for i, line in enumerate(lines) if "*Reported by papers*" in line]
    assert len(at) == 1
    assert at[0] > next(i for i, line in enumerate(lines) if "*Trivial baselines*" in line)
    assert "1.0035" in "".join(lines[at[0] :])


def test_latex_has_a_heading_and_plain_dashes():
    text = render([with_reported(table(metrics=("VIF", "SCD")))], "tex")
    assert r"\multicolumn{3}{l}{\textit{Reported by papers}}" in text
    assert r"DSIFuse, printed in DSIFuse Table 1\textsuperscript" in text
    assert "–" not in text


def test_csv_and_json_mark_them_by_kind():
    extended = with_reported(table())
    rows = list(csv.DictReader(io.StringIO(render([extended], "csv"))))
    mine = [row for row in rows if row["kind"] == "reported" and row["metric"] == "VIF"]
    assert {row["rank"] for row in mine} == {""}
    assert "1.0035" in {row["value"] for row in mine}
    json.dumps(to_json([extended]), allow_nan=False)
