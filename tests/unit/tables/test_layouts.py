import random

import pytest
from layout_samples import SAMPLES, TRAINED, ablation, configured, several, tables, transfer
from report_samples import record
from test_latex import parse as parse_latex
from test_markdown import parse as parse_markdown

from fusionbench.errors import RequestError
from fusionbench.tables import FORMATS, render
from fusionbench.tables.layouts.ablation import constructor_defaults


def rows(table):
    return [(row.label, *row.leads) for row in table.rows]


def test_an_ablation_has_a_check_mark_for_each_module_that_a_variant_keeps():
    (table,) = tables("ablation")
    assert table.stub == "Variant"
    assert table.leads == ("hsfm", "correlation", "semantic")  # in the order of the constructor
    assert rows(table) == [
        ("only_l_dc", "✓", "direct", ""),
        ("wo_hsfm", "", "full", "✓"),
        ("wo_l_sem", "✓", "full", ""),
        ("CSP-MCIN", "✓", "full", "✓"),
    ]
    assert table.heading == "CSP-MCIN, ablation: MSRS, test split, 3 pairs"
    assert "A check mark: the row has it; an empty place: it is left out." in table.caption


def test_the_rows_of_an_ablation_stand_in_the_order_of_the_sweep():
    order = ("csp_mcin@wo_l_sem", "csp_mcin", "csp_mcin@wo_hsfm")
    (table,) = tables("ablation", order=order)
    assert [row.label for row in table.rows] == ["wo_l_sem", "CSP-MCIN", "wo_hsfm", "only_l_dc"]


def test_an_ablation_ranks_its_own_rows_alone():
    (table,) = tables("ablation")
    assert all(sorted(row.cells[i].rank for row in table.rows) == [1, 2, 3, 4] for i in range(2))


def test_random_weights_keep_their_label_under_any_layout():
    weights = {"source": "random", "sha256": "random-0", "file": None, "note": ""}
    made = [configured("csp_mcin", weights=weights), configured("csp_mcin@wo_hsfm", {"hsfm": False})]
    (table,) = tables("ablation", made)
    assert [row.label for row in table.rows] == ["wo_hsfm", "CSP-MCIN, random weights"]


def test_a_method_that_is_not_installed_here_still_has_its_ablation():
    made = [configured("gone@small", {"width": 8}), configured("gone")]
    (table,) = tables("ablation", made)
    assert rows(table) == [("small", "8"), ("CSP-MCIN", "default")]


def test_defaults_are_read_from_the_source_of_a_method():
    defaults = constructor_defaults("csp_mcin")
    assert defaults["hsfm"] is True
    assert defaults["lambda_sar"] == 0.3
    assert constructor_defaults("no_such_method") == {}


def test_sensitivity_sorts_by_value_and_leaves_out_what_differs_in_more():
    (table,) = tables("sensitivity")
    assert (table.stub, table.leads) == ("lambda_sar", ())
    assert rows(table) == [("0.05",), ("0.2",), ("0.3",), ("10",)]  # 0.3 is the constructor's default
    assert [row.method for row in table.rows][2] == "csp_mcin"
    assert table.heading.startswith("CSP-MCIN, sensitivity to lambda_sar: MSRS")


def test_sensitivity_tells_runs_apart_that_share_a_name():
    made = [configured("csp_mcin", {"lambda_sar": value}) | {"id": f"run {value}"} for value in (0.5, 0.4)]
    (table,) = tables("sensitivity", made)
    assert rows(table) == [("0.4",), ("0.5",)]
    assert [row.run for row in table.rows] == ["run 0.4", "run 0.5"]
    assert len({cell.value for row in table.rows for cell in row.cells}) == 4


def test_several_arguments_vary_together_where_they_are_named():
    points = [(0.1, 0.1), (1.0, 0.5), (0.5, 1.0), (1.0, 1.0)]
    made = [configured(f"sspfusion@{i}", {"alpha": a, "beta": b}) for i, (a, b) in enumerate(points)]
    (table,) = tables("sensitivity", made, arguments=["alpha", "beta"])
    assert (table.stub, table.leads) == ("alpha", ("beta",))
    assert rows(table) == [("0.1", "0.1"), ("0.5", "1"), ("1", "0.5"), ("1", "1")]


def test_any_key_of_the_configuration_can_be_varied():
    longer = configured("csp_mcin@cpu")
    longer["config"]["stages"]["fuse"]["epochs"] = 90
    (table,) = tables("sensitivity", [longer, configured("csp_mcin")], arguments=["stages.fuse.epochs"])
    assert (table.stub, rows(table)) == ("stages.fuse.epochs", [("10",), ("90",)])


def test_settings_that_all_else_shares_make_a_table_each():
    grid = [(weight, gradient) for weight in (0.2, 0.4) for gradient in (True, False)]
    made = [
        configured(f"csp_mcin@lambda_sar={w}+pcgrad={p}", {"lambda_sar": w, "pcgrad": p}) for w, p in grid
    ]
    laid_out = tables("sensitivity", made)
    assert len(laid_out) == 2
    assert {"(pcgrad=true)" in t.heading for t in laid_out} == {True, False}
    assert all(rows(t) == [("0.2",), ("0.4",)] for t in laid_out)


def test_a_transfer_has_a_block_of_training_sets_for_each_test_set():
    (table,) = tables("transfer")
    assert (table.stub, table.leads) == ("Trained on", ("Tested on",))
    assert rows(table) == [
        ("QXS-SAROPT", "SEN1-2"), ("SEN1-2", "SEN1-2"), ("WHU-OPT-SAR", "SEN1-2"),
        ("QXS-SAROPT", "WHU-OPT-SAR"), ("SEN1-2", "WHU-OPT-SAR"), ("WHU-OPT-SAR", "WHU-OPT-SAR"),
    ]  # fmt: skip
    assert [len(group) for group in table.groups] == [3, 3]
    assert [sorted(row.cells[0].rank for row in group) for group in table.groups] == [[1, 2, 3]] * 2
    assert "Best and second best are those of one test set." in table.caption


def test_what_was_learned_at_home_is_shown_once():
    data = {"name": "sen12", "weights": TRAINED, "title": "CSP-MCIN"}
    again = record("csp_mcin@from=sen12", run="said", data="sen12" * 8, **data)
    on_sen12 = [r for r in transfer() if r["dataset"]["name"] == "sen12"]
    (table,) = tables("transfer", [*on_sen12, again | {"dataset": on_sen12[0]["dataset"]}])
    runs = {row.label: row.run for row in table.rows}
    assert len(runs) == len(table.rows) == 3
    assert runs["SEN1-2"] == "said"


def test_data_sets_side_by_side_share_rows_and_keep_their_own_ranks():
    (table,) = tables("datasets")
    assert table.spans == [("MSRS", 2), ("TNO", 2)]
    assert [row.method for row in table.rows] == ["dsifuse", "refinefuse", "average"]
    average = table.rows[-1].cells
    assert [cell.text for cell in average[2:]] == ["– (0/3)"] * 2
    assert {row.cells[3].rank for row in table.rows} == {1, 2, None}
    assert table.heading == "MSRS and TNO, test split, 3 pairs each"
    assert [sentence for sentence in table.caption if sentence.startswith("Mean scores on TNO")]
    assert len(table.caption) == len(set(table.caption))


def test_data_sets_stand_in_the_order_asked():
    (table,) = tables("datasets", order=("tno", "msrs"))
    assert [title for title, _ in table.spans] == ["TNO", "MSRS"]


def test_one_data_set_has_no_group():
    (table,) = tables("datasets", [r for r in several() if r["dataset"]["name"] == "tno"])
    assert table.spans == []
    assert table.heading == "TNO, test split, 3 pairs"


def test_equal_titles_side_by_side_are_told_apart():
    made = [record("x"), record("x", run="other", split="train")]
    (table,) = tables("datasets", made)
    assert [title for title, _ in table.spans] == ["MSRS test", "MSRS train"]


def test_a_note_of_one_data_set_says_which():
    made = several()
    made[0] |= {"status": "unavailable", "detail": "no weights"}
    (table,) = tables("datasets", made)
    assert table.footnotes == ["TNO: refinefuse unavailable: no weights"]


def test_a_method_with_random_weights_on_one_data_set_says_so():
    made = several()
    made[0] |= {"weights": {"source": "random", "sha256": "random-0", "file": None, "note": ""}}
    (table,) = tables("datasets", made)
    assert "refinefuse, random weights in part" in [row.label for row in table.rows]


@pytest.mark.parametrize("layout", ["ablation", "transfer", "sensitivity"])
def test_records_that_fit_no_row_are_refused_with_what_to_do(layout):
    with pytest.raises(RequestError, match=r"(there|differ only in).*: .*run"):
        tables(layout, [record("x"), record("average", kind="trivial")])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("layout", SAMPLES)
def test_the_order_of_records_changes_nothing(layout, format):
    made = SAMPLES[layout]()
    expected = render(tables(layout, made, spread="sd", ranks=True), format)
    for seed in range(3):
        random.Random(seed).shuffle(made)
        assert render(tables(layout, made, spread="sd", ranks=True), format) == expected


@pytest.mark.parametrize("layout", SAMPLES)
def test_every_layout_is_sound_in_markdown_and_latex(layout):
    laid_out = tables(layout, spread="ci", significance=True, ranks=True)
    text = render(laid_out, "tex")
    assert len(parse_latex(text)) == len(laid_out)
    for (header, *body), table in zip(parse_markdown(render(laid_out, "md")), laid_out, strict=True):
        assert len(header) == 1 + len(table.leads) + len(table.columns)
        assert all(len(row) == len(header) for row in body)


def test_golden_ablation():
    made = [r for r in ablation() if r["method"]["name"] in ("csp_mcin", "csp_mcin@wo_hsfm")]
    text = render(tables("ablation", made, digits=2, metrics=["VIF"]), "md")
    assert text.splitlines()[:6] == [
        "### CSP-MCIN, ablation: MSRS, test split, 3 pairs",
        "",
        "| Variant  | hsfm |       VIF ↑ |",
        "| -------- | ---- | ----------: |",
        "| wo\\_hsfm |      | <u>0.68</u> |",
        "| CSP-MCIN | ✓    |    **0.69** |",
    ]


def test_golden_groups_in_latex():
    lines = render(tables("datasets", digits=1), "tex").splitlines()
    start = next(i for i, line in enumerate(lines) if "multicolumn" in line)
    assert lines[start : start + 2] == [
        r"     & \multicolumn{2}{c}{MSRS} & \multicolumn{2}{c}{TNO} \\",
        r"    \cmidrule(lr){2-3}\cmidrule(lr){4-5}",
    ]


def under_noise():
    """Return runs of two methods and a baseline without noise, with stripes of two variances and with mixed noise."""
    noises = {
        "": {},
        "stripe=25": {source: {"kind": "stripe", "variance": 25.0} for source in "ab"},
        "stripe=5": {source: {"kind": "stripe", "variance": 5.0} for source in "ab"},
        "a.stripe=5+b.gaussian=25": {
            "a": {"kind": "stripe", "variance": 5.0}, "b": {"kind": "gaussian", "variance": 25.0},
        },
    }  # fmt: skip
    made = []
    for name, stored in noises.items():
        for method, kind in (
            ("average", "trivial"),
            ("refinefuse@wo_fim", "learned"),
            ("dsifuse", "learned"),
        ):
            full = f"{method}{'+' if '@' in method else '@'}{name}" if name else method
            run = record(full, run=f"{full}-run", kind=kind, title=method.partition("@")[0].title())
            made.append(run | {"identity": run["identity"] | ({"noise": stored} if stored else {})})
    return made


def test_noise_has_a_block_for_each_noise_of_the_same_pairs():
    order = ("dsifuse", "refinefuse@wo_fim")
    (table,) = tables("noise", under_noise(), order=order)
    blocks = ["none", "a.stripe=5+b.gaussian=25", "stripe=5", "stripe=25"]
    assert [(row.label, *row.leads) for group in table.groups[:4] for row in group] == [
        (label, noise) for noise in blocks for label in ("Dsifuse", "Refinefuse @wo_fim")
    ]
    assert [row.leads for row in table.groups[4]] == [(noise,) for noise in blocks]
    assert (table.pairs, table.heading) == (3, "MSRS, test split, 3 pairs")
    assert sum("Mean scores" in sentence for sentence in table.caption) == 1
    assert any("scores compare with the sources without it" in sentence for sentence in table.caption)
    assert all(
        sorted(row.cells[0].rank for row in table.rows if row.leads == (noise,)) == [1, 2, 3]
        for noise in blocks
    )


def test_without_noise_there_is_no_such_table():
    with pytest.raises(RequestError, match="--noise"):
        tables("noise", [record("dsifuse")])


def test_sensitivity_does_not_compare_runs_under_different_noise():
    clean, noisy = (configured("csp_mcin", {"lambda_sar": value}) for value in (0.2, 0.5))
    noisy["identity"] = noisy["identity"] | {"noise": {"a": {"kind": "stripe", "variance": 5.0}}}
    with pytest.raises(RequestError, match="differ"):
        tables("sensitivity", [clean, noisy])
