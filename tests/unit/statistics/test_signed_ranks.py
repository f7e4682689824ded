"""Wilcoxon's test of many pairs at once against scipy's of one, and against all signs by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata, wilcoxon

from fusionbench.statistics.signed_ranks import ranks_and_ties, signed_ranks
from fusionbench.statistics.significance import all_pairs


@pytest.mark.parametrize("decimals", [1, 6], ids=["ties and zeros", "neither"])
def test_many_images_are_tested_as_by_scipy(decimals: int) -> None:
    random = np.random.default_rng(0)
    values = np.round(random.normal(0, 1, (8, 120)) + np.arange(8)[:, None] / 10, decimals)
    first, second = np.triu_indices(8, 1)
    expected = [
        wilcoxon(values[i] - values[j], zero_method="pratt", correction=False, method="asymptotic").pvalue
        for i, j in zip(first, second, strict=True)
    ]
    assert signed_ranks(values, first, second) == pytest.approx(expected, rel=1e-12)


def test_few_images_are_tested_exactly() -> None:
    random = np.random.default_rng(1)
    values = np.round(random.normal(0, 1, (6, 9)), 1)
    first, second = np.triu_indices(6, 1)
    for i, j, p in zip(first, second, signed_ranks(values, first, second), strict=True):
        gaps = values[i] - values[j]
        ranks = rankdata(np.abs(gaps))[gaps != 0]
        sums = [np.dot(signs, ranks) for signs in product((0, 1), repeat=len(ranks))]
        positive = rankdata(np.abs(gaps))[gaps > 0].sum()
        tails = np.mean(np.array(sums) <= positive), np.mean(np.array(sums) >= positive)
        assert p == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-12)


def test_pairs_that_are_equal_everywhere_have_p_1() -> None:
    for images in (5, 80):
        values = np.ones((3, images))
        assert signed_ranks(values, np.array([0, 1]), np.array([1, 2])).tolist() == [1.0, 1.0]


def test_a_large_request_is_ranked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).normal(size=(7, 60))
    first, second = np.triu_indices(7, 1)
    whole = signed_ranks(values, first, second)
    monkeypatch.setattr("fusionbench.statistics.signed_ranks.TOGETHER", 130)
    assert signed_ranks(values, first, second).tolist() == whole.tolist()
    assert signed_ranks(values, first[:0], second[:0]).tolist() == []


def test_ranks_are_scipys() -> None:
    values = np.random.default_rng(3).integers(0, 5, (4, 30)).astype(float)
    ranks, tied = ranks_and_ties(values)
    assert ranks.tolist() == rankdata(values, axis=1).tolist()
    assert tied.tolist() == [[float((row == x).sum()) for x in row] for row in values]


def test_what_is_asked_for_twice_is_another_array() -> None:
    values = np.random.default_rng(4).normal(size=(3, 10))
    p_values = all_pairs(values)
    p_values[0, 1] = 7
    assert all_pairs(values)[0, 1] <= 1
