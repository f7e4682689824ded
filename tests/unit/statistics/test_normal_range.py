"""The range of normal variables against SciPy's studentized range and the closed form for two."""

from math import inf, sqrt

import numpy as np
import pytest
from scipy import stats

from fusionbench.statistics.normal_range import TOGETHER, chance_of_longer, length_exceeded_with

LENGTHS = np.array([0.0, 1e-6, 0.01, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])


@pytest.mark.parametrize("k", [2, 3, 10, 50, 200])
def test_chances_and_quantiles_are_scipys(k: int) -> None:
    expected = stats.studentized_range.sf(LENGTHS, k, inf)
    np.testing.assert_allclose(chance_of_longer(LENGTHS, k), expected, atol=1e-12)
    for chance in (0.1, 0.05, 0.001):
        quantile = stats.studentized_range.ppf(1 - chance, k, inf)
        assert length_exceeded_with(chance, k) == pytest.approx(quantile, abs=1e-9)


def test_two_differ_as_one_normal_variable_does_far_into_the_tail() -> None:
    lengths = np.array([1e-9, 1.0, 5.0, 20.0, 40.0])
    expected = 2 * stats.norm.sf(lengths / sqrt(2))
    np.testing.assert_allclose(chance_of_longer(lengths, 2), expected, rtol=1e-12)


def test_a_length_does_not_depend_on_the_others() -> None:
    lengths = np.linspace(0, 9, 2 * TOGETHER + 5)
    alone = [chance_of_longer(lengths[place : place + 1], 7)[0] for place in (0, TOGETHER, -5)]
    np.testing.assert_allclose(chance_of_longer(lengths, 7)[[0, TOGETHER, -5]], alone, rtol=1e-12)
    assert len(chance_of_longer(np.empty(0), 7)) == 0
