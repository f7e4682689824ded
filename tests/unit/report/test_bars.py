import pytest
from page_samples import group_of, record

from fusionbench.report.bars import LEFT, WIDTH, metric_figures
from fusionbench.report.ranking import make_ranking

FAILED = ("failed", "disk full")


def test_a_bar_starts_at_zero_and_ends_at_the_mean_inside_its_interval():
    board = group_of((record("one"), {"EN": [6, 7, 8, 6, 7, 8]}), (record("two"), {"EN": [3] * 6})).first
    (figure,) = metric_figures(board)
    first, two = figure.bars
    assert (first.value, first.rank) == (7.0, 1)
    assert first.interval[0] < 7 < first.interval[1]
    assert two.interval == (3.0, 3.0)
    assert figure.zero.x(0) == LEFT
    assert figure.zero.x(figure.zero.high) == LEFT + WIDTH
    assert 0 in figure.zero.ticks
    assert figure.close.low > 2


def test_negative_means_reach_to_the_left_of_zero():
    (figure,) = metric_figures(group_of((record("one"), {"SCD": [-1, -2, -1, -2, -1, -2]})).first)
    assert figure.zero.x(-1.5) < figure.zero.x(0) == LEFT + WIDTH


def test_a_gap_has_no_bar_and_a_single_image_no_interval():
    gap = group_of((record("one"), {"EN": [1, 2, 3, 4, 5, FAILED]}), (record("two"), {"EN": [1] * 6})).first
    assert metric_figures(gap)[0].bars[0].value is None
    assert metric_figures(gap)[0].bars[0].text == "– (5/6)"
    single = group_of((record("one", ids=("p1",)), {"EN": [4]})).first
    assert metric_figures(single)[0].bars[0].interval is None


def test_a_metric_that_nobody_has_a_mean_of_has_no_figure():
    assert metric_figures(group_of((record("one"), {"EN": [FAILED] * 6})).first) == []


@pytest.fixture
def ranked():
    ids = tuple(f"p{i}" for i in range(30))
    values = {"low": 1.0, "mid": 2.0, "high": 3.0}
    return group_of(
        *(
            (record(name, ids=ids), {"EN": [value] * 30, "MSE": [value] * 30})
            for name, value in values.items()
        ),
        (record("gone", ids=ids), {"EN": [9.0] * 29 + [FAILED], "MSE": [0.5] * 30}),
    ).first


def test_ranks_follow_the_direction_of_the_metric_and_a_gap_moves_nobody(ranked):
    ranking = make_ranking(ranked)
    means = {row.label: row.means for row in ranking.rows}
    assert means == {"High": (1, 4), "Low": (3, 2), "Mid": (2, 3), "Gone": (None, 1)}
    averages = {row.label: (row.average, row.place) for row in ranking.rows}
    assert averages == {"High": (2.5, 1), "Low": (2.5, 1), "Mid": (2.5, 1), "Gone": (None, None)}
    assert ranking.rows[-1].label == "Gone"


def test_the_statement_names_test_critical_difference_and_winner(ranked):
    first = make_ranking(ranked).statements[0]
    assert first.startswith("EN: Friedman p < 0.001 over 30 images, critical difference 0.61 ranks")
    assert first.endswith("High has the lowest mean rank, ahead of all others.")


def test_two_methods_are_ranked_without_a_test_and_one_is_not_ranked():
    two = group_of((record("one"), {"EN": [1] * 6}), (record("two"), {"EN": [2] * 6})).first
    assert "too few" in make_ranking(two).statements[0]
    assert make_ranking(group_of((record("one"), {"EN": [1] * 6})).first) is None
