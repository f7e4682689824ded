"""Two sets of runs: what is paired, what differs, and what the image-by-image differences say."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from report_samples import CARDS, of, record
from rich.console import Console
from scipy.stats import bootstrap

from fusionbench.comparison.runs import compare_runs, to_json
from fusionbench.comparison.text import print_comparison, render
from fusionbench.errors import RequestError

ORDER = ("dataset", "split", "run", "profile", "metric", "version", "image", "status", "value", "detail")


def rows(*parts):
    """Return what the store gives for records: the rows of `of`, by the run they belong to."""
    lines = [tuple(row[name] for name in ORDER) for part in parts for row in part]

    def of_records(records):
        wanted = {r["id"] for r in records}
        return [row for row in lines if row[2] in wanted]

    return of_records


def compare(a, b, *parts, **options):
    return compare_runs([a], [b], rows(*parts), cards=CARDS, **options)


def two(values_a, values_b, **changes):
    """Compare two runs of one method by one metric, VIF unless ``metric`` says otherwise."""
    metric = changes.pop("metric", "VIF")
    pairs = len(values_a)
    a, b = record(run="aaa", pairs=pairs), record(run="bbb", pairs=len(values_b), **changes)
    return compare(a, b, of(a, {metric: values_a}), of(b, {metric: values_b})).cells[0]


def test_a_run_is_identical_with_itself():
    run = record()
    cell = compare(run, run, of(run, {"VIF": [0.1, 0.2, 0.6], "EN": 7.0})).cells[0]
    assert cell.same_identity
    assert cell.identical
    assert [m.verdict for m in cell.metrics] == ["identical over 3 images"] * 2


def test_a_difference_has_its_mean_and_an_interval_that_a_library_agrees_with():
    draw = np.random.default_rng(5)
    before = draw.normal(0.5, 0.1, 40)
    gaps = draw.normal(0.012, 0.006, 40)
    difference = two(list(before), list(before + gaps)).metrics[0]
    assert difference.mean == pytest.approx(gaps.mean(), abs=1e-12)
    reference = bootstrap((gaps,), np.mean, method="BCa", n_resamples=20000, random_state=1)
    width = reference.confidence_interval.high - reference.confidence_interval.low
    assert difference.low == pytest.approx(reference.confidence_interval.low, abs=0.1 * width)
    assert difference.high == pytest.approx(reference.confidence_interval.high, abs=0.1 * width)
    assert difference.kind == "differs"
    assert difference.verdict.startswith("differs: mean +0.01")
    assert difference.verdict.endswith("over 40 images, B better")


@pytest.mark.parametrize(("metric", "gap", "said"), [("VIF", -0.1, "worse"), ("NABF", -0.1, "better")])
def test_whether_b_is_better_follows_the_metrics_direction(metric, gap, said):
    difference = two([0.5, 0.6, 0.7], [0.5 + gap, 0.6 + gap, 0.7 + gap], metric=metric).metrics[0]
    assert difference.kind == "differs"
    assert difference.verdict.endswith(f"B {said}")


def test_differences_below_the_printed_digits_are_rounding():
    difference = two([0.5, 0.6, 0.7], [0.5 + 4e-5, 0.6, 0.7 - 4e-5]).metrics[0]
    assert difference.kind == "rounding"
    assert difference.verdict == "same within rounding: at most 4.0e-05 over 3 images"
    assert two([0.5, 0.6, 0.7], [0.5 + 6e-5, 0.6, 0.7]).metrics[0].kind != "rounding"


def test_an_interval_that_holds_zero_is_no_clear_difference():
    difference = two([0.5, 0.5, 0.5, 0.5], [0.6, 0.4, 0.7, 0.3]).metrics[0]
    assert difference.kind == "unclear"
    assert difference.low < 0 < difference.high


def test_one_image_has_no_interval():
    difference = two([0.5], [0.7]).metrics[0]
    assert (difference.low, difference.high, difference.count) == (None, None, 1)
    assert "+0.2000 on one image" in difference.verdict


def test_images_without_a_score_are_left_out_pairwise_and_counted():
    cell = two([0.1, 0.2, "undefined", 0.4, "failed"], [0.2, 0.3, 9.0, "failed", "failed"])
    difference = cell.metrics[0]
    assert (difference.count, difference.one_sided) == (2, 2)
    assert difference.mean == pytest.approx(0.1)
    assert dict(difference.left_out) == {
        "undefined in A": 1,
        "failed in B": 1,
        "failed in A and failed in B": 1,
    }
    assert difference.verdict.endswith("2 more scored on one side only")


def test_equal_scores_are_not_identical_where_one_side_lacks_some():
    run, other = record(run="same", pairs=3), record(run="same", pairs=3)
    full, part = of(run, {"VIF": [0.1, 0.2, 0.3]}), of(other, {"VIF": [0.1, 0.2, "failed"]})
    sides = iter([rows(full)([run]), rows(part)([other])])
    cell = compare_runs([run], [other], lambda _: next(sides), cards=CARDS).cells[0]
    assert cell.same_identity
    assert cell.metrics[0].kind == "identical"
    assert not cell.identical


def test_what_is_undefined_for_every_image_in_both_is_the_same():
    assert two(["undefined"] * 3, ["undefined"] * 3).metrics[0].kind == "identical"
    assert two(["undefined"] * 3, ["failed"] * 3).metrics[0].kind == "incomparable"


def test_other_pairs_and_other_content_are_not_compared():
    other_pairs = two([0.1, 0.2], [0.1, 0.2], data="e" * 64, ids=["q0", "q1"], split_hash="6" * 64)
    assert other_pairs.metrics[0].verdict == "not comparable: other pairs"
    other_content = two([0.1, 0.2], [0.1, 0.2], data="e" * 64)
    assert other_content.metrics[0].kind == "incomparable"
    assert "other content" in other_content.metrics[0].verdict


def test_a_larger_copy_is_compared_on_the_common_pairs_with_a_caution():
    cell = two([0.1, 0.2], [0.1, 0.2, 0.9], data="e" * 64, split_hash="6" * 64)
    assert (cell.pairs, cell.common) == ((2, 3), 2)
    assert cell.metrics[0].count == 2
    assert "assumed" in cell.caution
    assert not cell.identical


def test_metric_versions_are_never_mixed():
    a, b = record(run="aaa"), record(run="bbb")
    old, new = of(a, {"VIF": 0.5}, version=1), of(b, {"VIF": 0.6}, version=2)
    assert (
        compare(a, b, old, new).cells[0].metrics[0].verdict == "not comparable: metric version 1 in A, 2 in B"
    )
    both = compare(a, b, old, new, of(b, {"VIF": 0.5}, version=1)).cells[0].metrics[0]
    assert (both.version, both.kind) == ("1", "identical")


def test_a_metric_of_one_side_is_named():
    a, b = record(run="aaa"), record(run="bbb")
    comparison = compare(a, b, of(a, {"VIF": 0.5, "EN": 7.0}), of(b, {"VIF": 0.5}))
    assert {m.metric: m.verdict for m in comparison.cells[0].metrics}[
        "EN"
    ] == "not comparable: scored in A only"
    asked = compare(a, b, of(a, {"VIF": 0.5}), of(b, {"VIF": 0.5}), metrics=["SCD"]).cells[0].metrics
    assert [m.verdict for m in asked] == ["not comparable: scored in neither"]


def test_says_what_of_the_identity_differs():
    a, b = record(run="aaa"), record(run="bbb", weights={"source": "trained", "sha256": "b" * 64, "note": ""})
    a["identity"] |= {"method": {"name": "refinefuse", "files": "1" * 64}, "arguments": {"levels": 3}}
    b["identity"] |= {
        "method": {"name": "refinefuse", "files": "2" * 64},
        "arguments": {"levels": 4, "dim": 8},
    }
    b["identity"] |= {"seed": 1, "protocol": {"version": 2}}
    cell = compare(a, b).cells[0]
    assert {change.what: (change.a, change.b) for change in cell.identity} == {
        "method files": ("1" * 10, "2" * 10),
        "args.levels": ("3", "4"),
        "args.dim": ("absent", "8"),
        "weights": ("none", "b" * 10),
        "seed": ("0", "1"),
        "protocol.version": ("absent", "2"),
    }


def test_says_under_what_other_circumstances_equal_identities_ran():
    a, b = record(), record(torch="2.16.0", device="NVIDIA H200, CUDA 13.2")
    a["probe"], b["probe"] = [0.1, 0.2], [0.1, 0.3]
    cell = compare(a, b).cells[0]
    assert cell.same_identity
    assert [change.what for change in cell.circumstances] == ["torch", "device", "probe"]


def test_the_newest_run_of_each_side_is_taken_and_partners_are_listed():
    old = record(run="old", finished="2026-01-01T00:00:00+00:00")
    new, other = record(run="new", finished="2026-03-01T00:00:00+00:00"), record("average", run="avg")
    comparison = compare_runs([old, new, other], [old], rows(), cards=CARDS)
    assert comparison.cells[0].runs == ("new", "old")
    assert comparison.cells[0].older == (1, 0)
    assert comparison.only_a == (("msrs", "test", "average"),)
    assert comparison.only_b == ()


def test_nothing_in_common_is_an_error_that_names_both():
    with pytest.raises(RequestError, match=r"msrs-test average.*msrs-test visible"):
        compare(record("average"), record("visible"))


def test_markdown_and_terminal_show_the_same_words_and_json_is_strict():
    a, b = record("r|e_fine", run="aaa"), record("r|e_fine", run="bbb", status="failed")
    b["identity"] |= {"seed": 1}
    lost = record("lost", run="lost")
    parts = of(a, {"VIF": [0.1, 0.2, 0.3]}), of(b, {"VIF": [0.2, 0.3, "failed"]})
    comparison = compare_runs([a], [b, lost], rows(*parts), cards=CARDS)
    text = render(comparison)
    assert "### r\\|e\\_fine on msrs, test split" in text
    assert "| VIF | 0.1500 | 0.2500 | +0.1000 | 2 | differs: mean +0.1000" in text
    screen = io.StringIO()
    print_comparison(comparison, Console(file=screen, width=80))
    flat = " ".join(screen.getvalue().split())
    for words in ("seed 0 → 1", "B is not ok: failed", "Only in B: lost on msrs", "1 failed in B", "+0.1000"):
        assert words in text
        assert words in flat
    document = json.loads(json.dumps(to_json(comparison), allow_nan=False))
    assert document["cells"][0]["metrics"][0]["left_out"] == {"failed in B": 1}
    assert document["cells"][0]["same_identity"] is False
