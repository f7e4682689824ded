"""Would another choice have another winner: by hand, and where nothing can change it."""

import numpy as np
import pytest
from statistics_samples import board

from fusionbench.statistics.ranks import overall, single, winners
from fusionbench.statistics.stability import (
    Choice,
    Halves,
    WinnerStability,
    percent,
    stability,
    winner_sentence,
)


def choices(outcome, kind):
    return {choice.name: choice.winners for choice in outcome.kind(kind)}


def clear(profile="canonical"):
    return board({"x": {m: [3.0] * 6 for m in ("EN", "VIF")}, "y": {m: [1.0] * 6 for m in ("EN", "VIF")}},
                 profile=profile)  # fmt: skip


def test_a_winner_everywhere_stays_one():
    result = stability(clear(), [clear("tang2023")])
    assert result.overall.winners == ("x",)
    assert all(choice.same for choice in result.overall.choices)
    assert result.overall.halves == Halves(1000, 3, 1.0, (("x", 1.0),))
    assert result.verdicts[0] == (
        "x wins the mean rank over 2 metrics among 2 methods: the same in 100 % of 1000 random halves of the images; "
        "the same by 5 of 5 aggregations; the same by 2 of 2 sets with one metric left out; the same under 1 of 1 other "
        "profiles."
    )


def test_aggregations_by_hand():
    # one outlier gives y the mean; x has the median, the ranks and most images
    result = stability(board({"x": {"EN": [2.0, 2, 2, 2, 2]}, "y": {"EN": [1.0, 1, 1, 1, 100]}}))
    (metric,) = result.by_metric
    assert metric.winners == ("y",)
    assert choices(metric, "aggregation") == {
        "mean": ("y",), "median": ("x",), "mean rank": ("x",), "Borda": ("x",), "first places": ("x",)
    }  # fmt: skip
    assert "(x by median, mean rank, Borda and first places)" in winner_sentence(metric)


def test_overall_aggregations_by_hand():
    # ranks by mean: x 1 1 3, y 2 2 1, z 3 3 2; x has most first places, and ties with y in mean rank
    means = np.array([[3.0, 2, 1], [3, 2, 1], [1, 3, 2]])
    losses = overall(means[:, :, None])
    assert losses["mean"] == pytest.approx([5 / 3, 5 / 3, 8 / 3])
    assert losses["Borda"].tolist() == [-4, -4, -1]
    assert losses["first places"].tolist() == [-2, -1, 0]
    assert winners(losses["mean"]).tolist() == [True, True, False]


def test_ties_share_a_first_place():
    assert single(np.array([[1.0, 1], [1, 0]]))["first places"].tolist() == [-1.5, -0.5]


def test_lower_is_better_where_the_metric_says_so():
    result = stability(board({"x": {"NABF": [0.1] * 4}, "y": {"NABF": [0.2] * 4}}))
    assert result.by_metric[0].winners == ("x",)
    assert result.by_metric[0].halves.share == 1.0


def test_leaving_a_metric_out_by_hand():
    # x wins EN and VIF, y wins NABF: without EN or VIF they tie
    scores = {
        "x": {"EN": [2.0], "VIF": [2.0], "NABF": [0.2]},
        "y": {"EN": [1.0], "VIF": [1.0], "NABF": [0.1]},
    }
    overall = stability(board(scores)).overall
    assert overall.winners == ("x",)
    assert overall.halves is None
    assert choices(overall, "metric left out") == {"EN": ("x", "y"), "VIF": ("x", "y"), "NABF": ("x",)}


def test_the_share_of_halves_by_hand():
    # y is ahead only in halves that hold the one image in which it is far better: every second one
    scores = {"x": {"EN": [1.0] * 8}, "y": {"EN": [0.9] * 7 + [20.0]}}
    (metric,) = stability(board(scores), splits=400).by_metric
    assert metric.winners == ("y",)
    assert metric.halves.count == 800
    assert metric.halves.share == 0.5  # of two halves exactly one holds the image
    assert metric.halves.wins == (("x", 0.5), ("y", 0.5))


def test_halves_are_seeded():
    draw = np.random.default_rng(0)
    same = board({name: {"EN": draw.normal(size=20).tolist()} for name in "xyz"})
    first, again, other = (stability(same, seed=seed).by_metric[0].halves for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert first.share == pytest.approx(other.share, abs=0.1)


def test_another_profile_is_compared_on_what_both_score():
    # under the other profile z lacks scores: what is compared is x and y, and there y wins
    here = board({"x": {"EN": [2.0] * 4}, "y": {"EN": [1.0] * 4}, "z": {"EN": [3.0] * 4}})
    there = board({"x": {"EN": [1.0] * 4}, "y": {"EN": [2.0] * 4}, "z": {}}, profile="tang2023")
    (choice,) = stability(here, [there]).by_metric[0].kind("profile")
    assert choice == Choice("profile", "tang2023", ("y",), ("x",))
    assert not choice.same


def test_a_profile_that_scores_none_of_it_is_no_choice():
    here = board({"x": {"EN": [2.0] * 4}, "y": {"EN": [1.0] * 4}})
    there = board({"x": {"VIF": [2.0] * 4}, "y": {"VIF": [1.0] * 4}}, profile="tang2023")
    assert stability(here, [there]).overall.kind("profile") == ()


def test_one_method_has_no_winner():
    result = stability(board({"x": {"EN": [1.0] * 4}}))
    assert (result.overall, result.by_metric, result.verdicts) == (None, (), ())


def test_a_tie_is_said():
    outcome = WinnerStability(None, ("x", "y"), 3, 1, (), None)
    assert winner_sentence(outcome) == "x and y tie in the mean rank over 1 metric among 3 methods."


def test_all_and_none_are_said_only_of_all_and_none():
    assert [percent(share) for share in (1.0, 0.999, 0.5, 0.001, 0.0)] == [
        "100 %", "over 99 %", "50 %", "under 1 %", "0 %"
    ]  # fmt: skip
