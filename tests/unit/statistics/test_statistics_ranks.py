"""Ranks, Friedman, Nemenyi, cliques and Borda, against scipy, scikit-posthocs, Demsar's tables and by hand."""

import numpy as np
import pytest
import scikit_posthocs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from fusionbench.statistics.ranks import (
    borda,
    cliques,
    critical_difference,
    friedman,
    mean_ranks,
    nemenyi,
    rank_blocks,
    single,
)

# integers: ties are frequent, and strictly monotone transforms of them are exact
SCORES = st.tuples(st.integers(2, 6), st.integers(2, 12)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-20, 20).map(float))
)


def test_ranks_by_hand():
    values = np.array([[3.0, 1.0], [2.0, 1.0], [1.0, 5.0]])
    assert rank_blocks(values, "higher").tolist() == [[1, 2.5], [2, 2.5], [3, 1]]
    assert rank_blocks(values, "lower").tolist() == [[3, 1.5], [2, 1.5], [1, 3]]
    assert mean_ranks(values, "higher").tolist() == [1.75, 2.25, 2]


def test_an_incomplete_method_has_no_rank_and_the_others_are_ranked_without_it():
    values = np.array([[3.0, 1.0, np.nan], [9.0, np.nan, np.nan], [1.0, 5.0, np.nan]])
    expected = [[1, 2, np.nan], [np.nan] * 3, [2, 1, np.nan]]
    np.testing.assert_array_equal(rank_blocks(values, "higher"), expected)
    np.testing.assert_array_equal(mean_ranks(values, "higher"), [1.5, np.nan, 1.5])
    assert np.isnan(nemenyi(values, "higher")[1]).all()
    assert friedman(values, "higher") == friedman(values[[0, 2]], "higher")


def test_friedman_by_hand():
    # rank sums 3, 6, 9 of 3 methods on 3 images: 12 / (3 * 3 * 4) * 126 - 3 * 3 * 4 = 6
    tested = friedman(np.array([[3.0, 3, 3], [2, 2, 2], [1, 1, 1]]), "higher")
    assert tested.statistic == pytest.approx(6, abs=1e-12)
    assert tested.p == pytest.approx(np.exp(-3), abs=1e-12)


@pytest.mark.parametrize("rounded", [False, True], ids=["distinct", "tied"])
def test_friedman_agrees_with_scipy(rounded):
    values = np.random.default_rng(0).normal(size=(5, 30)) + np.arange(5)[:, None] / 4
    values = np.round(values) if rounded else values
    expected = stats.friedmanchisquare(*values)
    tested = friedman(values, "higher")
    assert tested.statistic == pytest.approx(expected.statistic, abs=1e-10)
    assert tested.p == pytest.approx(expected.pvalue, abs=1e-12)


def test_friedman_without_differences_or_without_enough():
    tested = friedman(np.ones((3, 5)), "higher")
    assert (tested.statistic, tested.p) == (0.0, 1.0)
    for values in (np.ones((1, 5)), np.ones((3, 1)), np.full((3, 5), np.nan)):
        assert np.isnan(friedman(values, "higher").p)


def test_nemenyi_agrees_with_scikit_posthocs():
    values = np.random.default_rng(1).normal(size=(6, 40)) + np.arange(6)[:, None] / 5
    expected = scikit_posthocs.posthoc_nemenyi_friedman(values.T).to_numpy()
    np.testing.assert_allclose(nemenyi(values, "higher"), expected, atol=1e-12)


def test_two_methods_have_the_normal_p():
    # the range of two standard normals is |z| times the root of 2
    values = np.array([[1.0] * 7 + [0] * 2, [0.0] * 7 + [1] * 2])
    z = (16 / 9 - 11 / 9) / np.sqrt(1 / 9)
    assert nemenyi(values, "higher")[0, 1] == pytest.approx(2 * stats.norm.sf(z), abs=1e-9)


# Demsar 2006, Table 5(a), as printed
PRINTED = {
    0.05: [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164],
    0.10: [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920],
}


@pytest.mark.parametrize("level", PRINTED)
def test_critical_values_are_those_of_demsars_table(level):
    got = [critical_difference(k, 1, level) / np.sqrt(k * (k + 1) / 6) for k in range(2, 11)]
    np.testing.assert_allclose(got, PRINTED[level], atol=1.5e-3)


def test_the_critical_difference_of_demsars_example():
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=5e-3)
    assert critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=5e-3)
    assert np.isnan([critical_difference(1, 14), critical_difference(4, 0)]).all()


def test_a_gap_of_a_critical_difference_has_the_level_as_p():
    # three images give ranks that differ by 2 at most, so the level is chosen to match a gap of 1
    values = np.array([[3.0, 1], [2, 3], [1, 2]])
    p = nemenyi(values, "higher")[1, 2]
    assert critical_difference(3, 2, float(p)) == pytest.approx(1.0, abs=1e-6)


def test_cliques_by_hand():
    ranks = np.array([3.0, 1.0, 1.8, 4.5, 2.5])
    assert cliques(ranks, 1.0) == [(1, 2), (2, 4), (4, 0)]
    assert cliques(ranks, 1.6) == [(1, 2, 4), (2, 4, 0), (0, 3)]
    assert cliques(ranks, 10.0) == [(1, 2, 4, 0, 3)]
    assert cliques(ranks, 0.1) == []
    assert cliques(np.array([1.0, np.nan, 1.5]), 1.0) == [(0, 2)]
    assert cliques(np.array([1.0, 2.0]), 1.0) == []  # a full critical difference is significant


def test_borda_by_hand():
    means = [np.array([3.0, 2, 1]), np.array([0.1, 0.1, 0.5])]
    assert borda(means, ["higher", "lower"]).tolist() == [3.5, 2.5, 0]
    assert borda([np.array([[1.0, 3], [0, 1]])], ["higher"]).tolist() == [1, 0]
    np.testing.assert_array_equal(borda([np.array([1.0, np.nan, 2])], ["higher"]), [0, np.nan, 1])


@settings(max_examples=40, deadline=None)
@given(SCORES)
def test_borda_counts_the_ranks_from_the_other_end(values):
    points = borda(values.T, ["higher"] * values.shape[1])
    expected = values.shape[1] * (len(values) - mean_ranks(values, "higher"))
    np.testing.assert_allclose(points, expected, atol=1e-9)
    np.testing.assert_array_equal(single(values)["Borda"], -points)


@settings(max_examples=40, deadline=None)
@given(SCORES)
def test_monotone_transforms_change_no_rank_statistic(values):
    for changed in (np.exp(values / 10), values**3 + values):
        np.testing.assert_array_equal(rank_blocks(changed, "higher"), rank_blocks(values, "higher"))
        assert friedman(changed, "higher") == friedman(values, "higher")
        np.testing.assert_array_equal(nemenyi(changed, "higher"), nemenyi(values, "higher"))
    np.testing.assert_array_equal(rank_blocks(-values, "lower"), rank_blocks(values, "higher"))


@settings(max_examples=40, deadline=None)
@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_of_methods_and_images_does_not_matter(values, chance):
    methods, images = (list(range(count)) for count in values.shape)
    chance.shuffle(methods)
    chance.shuffle(images)
    moved = values[methods][:, images]
    np.testing.assert_allclose(mean_ranks(moved, "higher"), mean_ranks(values, "higher")[methods], atol=1e-12)
    assert friedman(moved, "higher").statistic == pytest.approx(
        friedman(values, "higher").statistic, abs=1e-9
    )
    expected = nemenyi(values, "higher")[np.ix_(methods, methods)]
    np.testing.assert_allclose(nemenyi(moved, "higher"), expected, atol=1e-9)
