"""Wilcoxon's test with Holm's correction, against scipy, scikit-posthocs, statsmodels and by hand."""

from itertools import product

import numpy as np
import pytest
import scikit_posthocs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from fusionbench.statistics.significance import against_best, all_pairs, holm, leads, not_worse, signed_rank


def scores(methods, images, seed=0):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(methods, images)) + np.linspace(0, 0.8, methods)[:, None]


@pytest.mark.parametrize("images", [1, 5, 12, 30, 50])
def test_small_sets_without_ties_have_scipys_exact_p(images):
    x, y = scores(2, images)
    assert signed_rank(x, y) == pytest.approx(stats.wilcoxon(x, y, method="exact").pvalue, abs=1e-12)


@pytest.mark.parametrize("gaps", [[1, 1, -1, 2, 2, -3], [0, 0, 1, 2, -2, 5, 5], [0, 3, 3, 3, -3], [0, 1]])
def test_small_sets_with_ties_and_zeros_have_the_p_of_all_signs(gaps):
    gaps = np.array(gaps, dtype=float)
    ranks = stats.rankdata(np.abs(gaps))[gaps != 0]
    observed = stats.rankdata(np.abs(gaps))[gaps > 0].sum()
    sums = np.array([np.dot(signs, ranks) for signs in product((0, 1), repeat=len(ranks))])
    expected = min(1.0, 2 * min((sums <= observed).mean(), (sums >= observed).mean()))
    assert signed_rank(gaps, np.zeros_like(gaps)) == pytest.approx(expected, abs=1e-12)


def test_a_hand_computed_p():
    # ranks 1 to 5, all in favor of x: 2 of the 32 signs are as extreme
    more, less = np.arange(1.0, 6), np.zeros(5)
    assert signed_rank(more, less) == signed_rank(less, more) == 2 / 32
    assert leads(more, less)
    assert not leads(less, more)


@pytest.mark.parametrize("rounded", [False, True], ids=["distinct", "with ties and zeros"])
def test_large_sets_have_scipys_normal_approximation(rounded):
    x, y = scores(2, 80)
    if rounded:
        x, y = np.round(x), np.round(y)
        assert (x == y).any()
    expected = stats.wilcoxon(x, y, zero_method="pratt", correction=False, method="asymptotic")
    assert signed_rank(x, y) == pytest.approx(expected.pvalue, abs=1e-12)


def test_equal_scores_are_not_told_apart():
    assert signed_rank(np.ones(60), np.ones(60)) == 1.0
    assert not leads(np.ones(60), np.ones(60))


@pytest.mark.parametrize("images", [20, 45, 120])
def test_all_pairs_agree_with_scikit_posthocs(images):
    values = scores(6, images)
    expected = scikit_posthocs.posthoc_wilcoxon(
        list(values), zero_method="pratt", correction=False, p_adjust="holm"
    ).to_numpy()
    np.testing.assert_allclose(all_pairs(values), expected, atol=1e-12)


def test_holm_by_hand_and_as_statsmodels_has_it():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06], abs=1e-15)
    assert holm([]).shape == (0,)
    p = np.random.default_rng(0).uniform(size=20) ** 3
    np.testing.assert_allclose(holm(p.tolist()), multipletests(p, method="holm")[1], atol=1e-12)


def test_the_best_and_what_cannot_be_told_from_it_are_not_worse():
    draw = np.random.default_rng(0)
    base = draw.normal(size=40)
    values = np.stack([base, base + draw.normal(0, 0.01, 40), base - 1])
    assert not_worse(values, "higher") == [True, True, False]
    assert not_worse(-values, "lower") == [True, True, False]
    assert not_worse(values, "lower") == [False, False, True]


def test_equal_methods_are_called_worse_in_one_table_of_twenty_at_most():
    """The best is chosen by the same scores, which a correction over the tests against it does not account for."""
    draw = np.random.default_rng(0)
    tables = draw.normal(size=(100, 8, 10))
    wrong = np.mean([not all(not_worse(values, "higher")) for values in tables])
    alone = np.mean([_corrected_alone(values).min() < 0.05 for values in tables])
    assert wrong <= 0.05
    assert alone >= 0.1


def _corrected_alone(values):
    best = values.mean(axis=1).argmax()
    return holm([signed_rank(values[best], other) for i, other in enumerate(values) if i != best])


def test_p_against_the_best_is_that_of_all_pairs():
    values = scores(5, 30)
    tested = against_best(values, "higher")
    others = [i for i in range(5) if i != tested.best]
    assert np.array(tested.p)[others].tolist() == all_pairs(values)[tested.best, others].tolist()


def test_a_method_that_is_ahead_on_most_images_is_not_worse():
    # one outlier gives the other the higher mean
    ahead = np.arange(1.0, 31)
    behind = ahead - 1
    behind[0] = 1000.0
    tested = against_best(np.stack([ahead, behind]), "higher")
    assert tested.best == 1
    assert tested.p[0] < 0.05
    assert tested.not_worse == (True, True)


def test_a_method_with_a_gap_is_not_compared_and_takes_no_image_along():
    values = scores(4, 30)
    values[0, 3] = np.nan
    values[1] = np.nan
    tested = against_best(values, "higher")
    assert np.isnan(tested.p[:2]).all()
    assert tested.not_worse[:2] == (False, False)
    assert tested.p[2:] == pytest.approx(against_best(values[2:], "higher").p, nan_ok=True)
    assert np.isnan(all_pairs(values)[0]).all()
    np.testing.assert_array_equal(all_pairs(values)[2:, 2:], all_pairs(values[2:]))


def test_images_that_no_method_is_scored_on_are_left_out():
    values = scores(3, 30)
    gap = np.insert(values, 5, np.nan, axis=1)
    np.testing.assert_array_equal(all_pairs(gap), all_pairs(values))


def test_nothing_to_compare():
    assert not_worse(np.full((2, 3), np.nan), "higher") == [False, False]
    assert against_best(np.full((2, 3), np.nan), "higher").best is None
    assert not_worse(np.array([[1.0, 2.0]]), "higher") == [True]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 999),
    st.sampled_from([10, 70]),
    st.permutations(range(4)),
    st.randoms(use_true_random=False),
)
def test_the_order_of_methods_and_images_does_not_matter(seed, images, methods, chance):
    values = np.round(scores(4, images, seed), 1)
    order = list(range(images))
    chance.shuffle(order)
    moved = values[methods][:, order]
    np.testing.assert_allclose(all_pairs(moved), all_pairs(values)[np.ix_(methods, methods)], atol=1e-12)
