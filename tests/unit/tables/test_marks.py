from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionbench.tables.model import printed, ranks

VALUES = st.floats(-1e6, 1e6)
BETTER = st.sampled_from(["higher", "lower"])
PRINTED = st.lists(st.none() | VALUES.map(lambda value: printed(value, 2)), max_size=12)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.69196, 4, "0.6920"),
        (-0.00001, 4, "0.0000"),
        (-0.4, 0, "0"),
        (12.5, 2, "12.50"),
        (-1.5, 3, "-1.500"),
    ],
)
def test_printed_has_fixed_decimals_and_no_negative_zero(value, digits, text):
    assert printed(value, digits) == text


@pytest.mark.parametrize(
    ("values", "better", "expected"),
    [
        ([0.5, 0.7, 0.6], "higher", [3, 1, 2]),
        ([0.5, 0.7, 0.6], "lower", [1, 3, 2]),
        ([0.70004, 0.7, 0.6, 0.60001], "higher", [1, 1, 2, 2]),
        ([10.0, 9.0], "higher", [1, 2]),  # as numbers, not as strings
        ([-1.0, -2.0], "higher", [1, 2]),
        ([1.0, 1.0], "lower", [1, 1]),
    ],
)
def test_ranks_by_printed_digits(values, better, expected):
    assert ranks([printed(value, 4) for value in values], better) == expected


def test_cells_without_a_value_neither_rank_nor_count():
    assert ranks([None, "2.0", None, "1.0"], "higher") == [None, 1, None, 2]


@given(PRINTED, BETTER)
def test_ranks_order_the_printed_values(texts, better):
    placed = [(Decimal(t), r) for t, r in zip(texts, ranks(texts, better), strict=True) if t is not None]
    sign = -1 if better == "higher" else 1
    for value, rank in placed:
        for other, other_rank in placed:
            assert (rank < other_rank) == (sign * value < sign * other)
            assert (rank == other_rank) == (value == other)
    if placed:
        assert {rank for _, rank in placed} == set(range(1, max(rank for _, rank in placed) + 1))


@given(PRINTED, BETTER, st.randoms(use_true_random=False))
def test_ranks_do_not_depend_on_the_order_of_rows(texts, better, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    shuffled = ranks([texts[i] for i in order], better)
    assert shuffled == [ranks(texts, better)[i] for i in order]
