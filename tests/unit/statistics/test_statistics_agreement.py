"""Kendall's tau between metrics, and which methods and images enter a comparison."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau
from statistics_samples import board

from fusionbench.statistics.agreement import agreement, kendall
from fusionbench.statistics.paired import paired_scores


def values(metrics, methods, images, seed=0, digits=1):
    return np.random.default_rng(seed).normal(size=(metrics, methods, images)).round(digits)


@pytest.mark.parametrize("digits", [0, 3], ids=["tied", "distinct"])
def test_tau_of_one_image_is_scipys(digits):
    given_values = values(3, 6, 1, digits=digits)
    tau = kendall(given_values)
    for i in range(3):
        for j in range(3):
            expected = kendalltau(given_values[i, :, 0], given_values[j, :, 0]).statistic
            assert tau[i, j] == pytest.approx(expected, abs=1e-12)


def test_tau_by_hand():
    orders = np.array([[4.0, 3, 2, 1], [4, 2, 3, 1], [1, 2, 3, 4]])[:, :, None]
    assert kendall(orders).round(12).tolist() == [[1, 0.666666666667, -1], [0.666666666667, 1, -0.666666666667],
                                                  [-1, -0.666666666667, 1]]  # fmt: skip


def test_tau_over_images_is_the_mean_of_those_that_have_one():
    given_values = values(2, 5, 4)
    given_values[1, :, 2] = 0.5  # a metric that ties all methods has no order to agree with
    taus = [kendalltau(*given_values[:, :, image]).statistic for image in (0, 1, 3)]
    assert kendall(given_values)[0, 1] == pytest.approx(np.mean(taus), abs=1e-12)


def test_a_metric_that_ties_everything_has_no_tau():
    given_values = values(2, 4, 3)
    given_values[0] = 1.0
    assert np.isnan(kendall(given_values)[0]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.permutations(range(4)), st.permutations(range(5)))
def test_order_and_monotone_transforms_do_not_matter(seed, methods, images):
    given_values = values(3, 4, 5, seed, digits=0)
    moved = np.exp(given_values)[:, methods][:, :, images]
    np.testing.assert_allclose(kendall(moved), kendall(given_values), atol=1e-12)


def three(**more):
    """Three methods that EN orders one way and NABF, where lower is better, the same way."""
    scores = {
        "x": {"EN": [3.0, 3.1, 3.2], "NABF": [0.1, 0.1, 0.1], "VIF": [1.0, 1.0, 1.0]},
        "y": {"EN": [2.0, 2.1, 2.2], "NABF": [0.2, 0.2, 0.2], "VIF": [2.0, 2.0, 2.0]},
        "z": {"EN": [1.0, 1.1, 1.2], "NABF": [0.3, 0.3, 0.3], "VIF": [3.0, 3.0, 3.0]},
    }
    return board(scores | more)


def test_metrics_for_which_lower_is_better_are_turned():
    agreed = agreement(three())
    assert agreed.metrics == ("EN", "VIF", "NABF")
    assert agreed.tau.tolist() == [[1, -1, 1], [-1, 1, -1], [1, -1, 1]]
    np.testing.assert_array_equal(agreed.by_image, agreed.tau)
    assert agreed.methods == ("x", "y", "z")


def test_a_metric_without_any_score_is_left_out_and_named():
    scores = {name: {"EN": [1.0, 2.0], "SCD": [None, None], "VIF": [0.5, 0.6]} for name in "xyz"}
    agreed = agreement(board(scores))
    assert agreed.metrics == ("EN", "VIF")
    assert agreed.left_out == (("SCD", "no image has a score"),)


def test_a_row_that_could_not_run_does_not_empty_the_comparison():
    comparison = paired_scores(three(gone={}))
    assert comparison.methods == ("x", "y", "z")
    assert comparison.excluded == (("gone", "no score"),)
    assert (comparison.images, comparison.unscored) == (3, 0)


def test_a_method_that_lacks_one_image_is_excluded_and_the_image_kept():
    comparison = paired_scores(three(w={"EN": [9.0, None, 9.0], "NABF": [0.1] * 3, "VIF": [1.0] * 3}))
    assert comparison.methods == ("x", "y", "z")
    assert comparison.excluded == (("w", "EN on 2 of 3 images"),)
    assert comparison.images == 3


def test_an_image_that_no_method_is_scored_on_costs_only_itself():
    scores = {name: {"EN": [1.0, None, 2.0], "VIF": [0.5, 0.6, 0.7]} for name in "xyz"}
    comparison = paired_scores(board(scores))
    assert (comparison.methods, comparison.at, comparison.unscored) == (("x", "y", "z"), (0, 2), 1)


def test_a_metric_that_most_methods_lack_does_not_take_them_out():
    scores = {name: {"EN": [1.0, 2.0], "VIF": [0.5, 0.6]} for name in "xyz"}
    scores["x"]["SCD"] = [1.0, 1.0]
    comparison = paired_scores(board(scores))
    assert comparison.methods == ("x", "y", "z")
    assert comparison.left_out == (("SCD", "only 1 of 3 methods have a score on every image"),)


def test_a_metric_of_few_images_does_not_take_the_others_out():
    scores = {name: {"EN": [1.0] * 5, "SCD": [1.0, 1.0, None, None, None]} for name in "xy"}
    comparison = paired_scores(board(scores))
    assert (comparison.metrics, comparison.images) == (("EN",), 5)
    assert comparison.left_out == (("SCD", "only 2 of 5 images have a score"),)


def test_a_board_without_scores_compares_nothing():
    comparison = paired_scores(board({"x": {"EN": [None, None]}, "y": {}}))
    assert not comparison.decidable
    assert agreement(board({"x": {"EN": [None, None]}, "y": {}})).metrics == ()
