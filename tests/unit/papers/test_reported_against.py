"""The verdicts on made-up runs: printed numbers beside measured ones."""

import csv
import io
import json

import pytest
from report_samples import record

from fusionbench.papers.against import NOT_COMPARABLE, OTHER, OUTSIDE, WITHIN, reproductions, tolerance
from fusionbench.papers.printed import papers, select_numbers
from fusionbench.papers.rendering import render, to_json

SHIPPED = {"source": "shipped", "sha256": "a" * 64, "note": "trained with refinefuse@cpu on 160 pairs."}


def run(method, title=None, *, dataset="tno", pairs=42, expected=42, weights=None, **more):
    return record(
        method,
        title=title,
        pairs=pairs,
        expected=expected,
        name=dataset,
        kind="external",
        weights=weights,
        **more,
    )


def rows(made, values, profile="refinefuse", missing=()):
    """Scores as the result store gives them: the same value for every pair that is not missing."""
    data = made["dataset"]
    return [
        (data["name"], data["split"], made["id"], profile, metric, 1, image, "ok", value, "")
        for metric, value in values.items()
        for image in data["ids"]
        if image not in missing
    ]


def only_finding(made, values, profile="refinefuse", papers=("refinefuse",), missing=()):
    """The only finding of one run and metric."""
    findings = reproductions([made], rows(made, values, profile, missing), select_numbers(papers=papers))
    assert len(findings) == 1, findings
    return findings[0]


def test_the_same_convention_within_tolerance():
    finding = only_finding(run("images-7", "SeAFusion"), {"VIF": 0.70424})
    assert (finding.verdict, finding.why) == (WITHIN, ())
    assert (finding.number.value, finding.profile, finding.pairs, finding.expected) == (
        "0.7042",
        "refinefuse",
        42,
        42,
    )
    assert finding.gap == pytest.approx(0.00004)


def test_the_same_convention_outside_tolerance():
    finding = only_finding(run("images-7", "SeAFusion"), {"VIF": 0.7040})
    assert (finding.verdict, finding.why) == (OUTSIDE, ())


@pytest.mark.parametrize(("value", "verdict"), [(0.7043, WITHIN), (0.7041, WITHIN), (0.70431, OUTSIDE)])
def test_the_tolerance_is_one_unit_of_the_last_digit(value, verdict):
    assert only_finding(run("images-7", "SeAFusion"), {"VIF": value}).verdict == verdict


def test_the_tolerance_follows_the_column_where_a_zero_is_left_out():
    number = next(n for n in papers()["yan2025"].numbers if n.value == "0.44" and n.metric == "Qabf")
    assert tolerance(number) == pytest.approx(0.001)


def test_another_convention():
    finding = only_finding(run("images-7", "SeAFusion"), {"SSIM": 1.3}, profile="canonical")
    assert finding.verdict == OTHER
    assert finding.why == ("canonical computes canonical, the paper skimage-l2",)


def test_the_papers_own_profile_counts_where_it_was_scored():
    made = run("images-7", "SeAFusion")
    scores = rows(made, {"SSIM": 1.3}, "canonical") + rows(made, {"SSIM": 0.9623})
    [finding] = reproductions([made], scores, select_numbers(papers=["refinefuse"]))
    assert (finding.profile, finding.verdict) == ("refinefuse", WITHIN)


def test_another_profile_that_computes_alike_will_do():
    made = run("images-7", "SeAFusion")
    scores = rows(made, {"EN": 7.0}, "canonical") + rows(made, {"EN": 7.1335}, "tang2023")
    [finding] = reproductions([made], scores, select_numbers(papers=["refinefuse"]))
    assert (finding.profile, finding.verdict) == ("tang2023", WITHIN)


def test_a_partial_copy_is_not_comparable():
    finding = only_finding(run("images-7", "SeAFusion", pairs=29), {"VIF": 0.7042})
    assert (finding.verdict, finding.why) == (NOT_COMPARABLE, ("29 of the paper's 42 pairs",))


def test_a_missing_score_is_not_comparable_and_the_rest_is_averaged():
    finding = only_finding(run("images-7", "SeAFusion"), {"VIF": 0.7042}, missing=("p0", "p1"))
    assert (finding.verdict, finding.pairs) == (NOT_COMPARABLE, 40)
    assert finding.measured == pytest.approx(0.7042)


def test_other_pairs_are_not_comparable():
    finding = only_finding(
        run("images-7", "SeAFusion"), {"VIF": 0.595}, profile="dsifuse", papers=("dsifuse",)
    )
    assert finding.verdict == NOT_COMPARABLE
    assert "37 pairs are not listed" in finding.why[0]
    more = only_finding(run("images-7", "SeAFusion", pairs=43, expected=43), {"VIF": 0.7042})
    assert more.why == ("other split: 43 pairs, the paper has 42",)


def test_another_split_is_not_comparable():
    finding = only_finding(run("images-7", "SeAFusion", split="train"), {"VIF": 0.7042})
    assert (finding.verdict, finding.why) == (NOT_COMPARABLE, ("other split: train",))


def test_other_weights_are_not_comparable():
    finding = only_finding(run("refinefuse", "RefineFuse", weights=SHIPPED), {"VIF": 0.7516})
    assert finding.verdict == NOT_COMPARABLE
    assert finding.why == (
        "other weights than the paper's: weights shipped (trained with refinefuse@cpu on 160 pairs)",
    )


@pytest.mark.parametrize("source", ["trained", "imported", "file"])
def test_weights_that_can_be_the_papers_are_compared_and_named(source):
    weights = {"source": source, "sha256": "a" * 64, "note": "300 epochs"}
    finding = only_finding(run("refinefuse", "RefineFuse", weights=weights), {"VIF": 0.74})
    assert (finding.verdict, finding.why, finding.remark) == (OUTSIDE, (), f"weights {source} (300 epochs)")
    assert "outside tolerance (1) | refinefuse |" in render([finding], "md")
    assert f"(1) weights {source} (300 epochs)." in render([finding], "md").replace("\\", "")


def test_an_undecided_convention_is_not_comparable():
    made = run("dsifuse", "DSIFuse", dataset="msrs", pairs=361, expected=361)
    finding = only_finding(made, {"SSIM": 0.915}, profile="dsifuse", papers=("dsifuse",))
    assert finding.verdict == NOT_COMPARABLE
    assert finding.why[0].startswith("convention undecided: assumed")


def test_another_direction_is_not_comparable(monkeypatch):
    from dataclasses import replace

    from fusionbench.papers import against as reported_against

    card = reported_against.metric_card("VIF")
    monkeypatch.setattr(reported_against, "metric_card", lambda name: replace(card, better="lower"))
    findings = reproductions(*_seafusion(), select_numbers(papers=["refinefuse"], metrics=["VIF"]))
    assert [f.verdict for f in findings] == [NOT_COMPARABLE]
    assert findings[0].why == ("the paper calls higher better, here lower is",)


def _seafusion():
    made = run("images-7", "SeAFusion")
    return [made], rows(made, {"VIF": 0.7042})


def test_a_variant_meets_the_setting_it_stands_for():
    made = run("dsifuse@wo_cfc", "DSIFuse", dataset="msrs", pairs=361, expected=361)
    finding = only_finding(made, {"VIF": 0.798}, profile="dsifuse", papers=("dsifuse",))
    assert (finding.number.setting, finding.number.value, finding.verdict) == ("w/o CFC", "0.798", WITHIN)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sspfusion@medical", {"", "F=yes, P=yes", "alpha=1.0, beta=1.0"}),
        ("sspfusion@medical@wo_f", {"F=no, P=yes"}),
        ("sspfusion@medical@alpha01_beta01", {"alpha=0.1, beta=0.1"}),
    ],
)
def test_a_recipe_of_the_paper_s_is_no_variant_of_its_method(name, settings):
    made = run(name, "SSPFusion", dataset="harvard-mri-spect", pairs=60)
    findings = reproductions(
        [made], rows(made, {"MI": 4.0}, "sspfusion"), select_numbers(papers=("sspfusion",))
    )
    assert {finding.number.setting for finding in findings} <= settings
    assert findings
    assert not any("none that the paper prints" in reason for finding in findings for reason in finding.why)


def test_a_variant_that_no_paper_prints_meets_the_main_row_and_is_not_comparable():
    made = run("dsifuse@cpu", "DSIFuse", dataset="msrs", pairs=361, expected=361)
    finding = only_finding(made, {"VIF": 1.05}, profile="dsifuse", papers=("dsifuse",))
    assert (finding.number.setting, finding.verdict) == ("", NOT_COMPARABLE)
    assert finding.why == ("variant cpu is none that the paper prints",)


def test_a_method_that_is_called_otherwise_here_is_matched_with_a_doubt():
    made = run("laplacian_pyramid", "Laplacian pyramid", dataset="whu-opt-sar", pairs=5880, expected=5880)
    finding = only_finding(made, {"EN": 5.926}, profile="csp-mcin", papers=("csp_mcin",))
    assert (finding.number.method, finding.verdict) == ("LP", NOT_COMPARABLE)
    assert any("levels nor rule" in reason for reason in finding.why)


def test_what_no_paper_prints_is_left_out():
    made = run("mine", "Mine")
    assert reproductions([made], rows(made, {"VIF": 0.7}), select_numbers()) == []
    here = run("images-7", "SeAFusion", dataset="llvip")
    assert reproductions([here], rows(here, {"VIF": 0.7}), select_numbers()) == []
    other = run("images-7", "SeAFusion")
    assert reproductions([other], rows(other, {"NMI": 0.7}), select_numbers()) == []


def test_markdown_states_tolerance_verdicts_and_reasons():
    text = render(reproductions(*_seafusion(), select_numbers()), "md")
    assert "tno, test split: printed beside measured" in text
    assert (
        "| SeAFusion | RefineFuse, Table 3 | VIF | same convention, within tolerance | refinefuse | 0.7042 |"
        in text
    )
    assert "half a unit of the last digit" in text
    assert "(1) other split: the paper's 37 pairs are not listed" in text


def test_csv_and_json_hold_every_finding_with_its_reasons():
    findings = reproductions(*_seafusion(), select_numbers())
    documents = to_json(findings)
    json.dumps(documents, allow_nan=False)
    read = list(csv.DictReader(io.StringIO(render(findings, "csv"))))
    assert [row["verdict"] for row in read] == [d["verdict"] for d in documents] == [NOT_COMPARABLE, WITHIN]
    assert documents[0]["why"][0] in read[0]["why"]
    assert float(read[1]["tolerance"]) == pytest.approx(1e-4)


def test_published_images_agree_with_the_paper_they_are_printed_in(shared_golden):
    """The means over all 42 TNO pairs of images that their authors published, scored as RefineFuse does."""
    file = shared_golden / "anchors" / "refinefuse_convention_tno42_per_image.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        scored = list(csv.DictReader(stream))
    made = [run(f"images-{name}", name) for name in sorted({row["algorithm"] for row in scored})]
    scores = []
    for one_run in made:
        mine = [row for row in scored if row["algorithm"] == one_run["method"]["title"]]
        assert len(mine) == 42
        for metric in ("VIF", "AG", "SCD", "Qabf", "SF", "EN", "SSIM"):
            for image, row in zip(one_run["dataset"]["ids"], mine, strict=True):
                value = float(row[metric])
                scores.append(("tno", "test", one_run["id"], "refinefuse", metric, 1, image, "ok", value, ""))
    findings = reproductions(made, scores, select_numbers(papers=["refinefuse"]))
    assert len(findings) == 5 * 7
    assert {finding.verdict for finding in findings} == {WITHIN}
