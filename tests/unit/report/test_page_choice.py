import numpy as np
from page_samples import group_of, record

from fusionbench.figures.images.disagreement import disputed_images
from fusionbench.report.chosen_images import choose_images, image_levels


def board_of(*scored):
    return group_of(*scored).first


def twelve(seed, shift=0.0):
    """Three metrics of twelve images: p3 is the best, p7 the worst scored."""
    rng = np.random.default_rng(seed)
    values = rng.normal(shift, 0.1, (3, 12))
    values[:, 3] += 5
    values[:, 7] -= 5
    return dict(zip(("EN", "SD", "VIF"), values.tolist(), strict=True))


IDS = tuple(f"p{i}" for i in range(12))


def test_best_and_worst_come_first_and_say_so():
    board = board_of((record("one", ids=IDS), twelve(0)), (record("two", ids=IDS), twelve(1)))
    chosen = choose_images(board, 6)
    assert chosen[0].id == "p3"
    assert "best" in chosen[0].tags
    assert chosen[1].id == "p7"
    assert "worst" in chosen[1].tags
    assert any("disputed" in entry.tags for entry in chosen)
    assert len({entry.id for entry in chosen}) == len(chosen) == 6


def test_a_metric_that_is_better_when_lower_counts_the_other_way():
    ids = IDS[:3]
    board = board_of((record("one", ids=ids), {"MSE": [1, 5, 9]}))
    assert np.argmax(image_levels(board)) == 0


def test_trivial_baselines_do_not_decide_what_is_best():
    ids = IDS[:3]
    board = board_of(
        (record("one", ids=ids), {"EN": [1, 2, 3]}),
        (record("copy", ids=ids, kind="trivial"), {"EN": [90, 5, 1]}),
    )
    assert np.argmax(image_levels(board)) == 2


def test_a_page_and_a_figure_call_the_same_images_disputed():
    board = board_of(
        *[(record(name, ids=IDS), twelve(seed)) for seed, name in enumerate(("one", "two", "six"))]
    )
    tagged = {entry.id for entry in choose_images(board, 10) if "disputed" in entry.tags}
    assert len(tagged) == 2
    assert tagged == set(disputed_images(board, 2, lambda image: None))


def test_one_method_has_best_and_worst_images_and_no_disputed_ones():
    chosen = choose_images(board_of((record("one", ids=IDS), twelve(0))), 6)
    assert [entry.tags for entry in chosen[:3]] == [("best",), ("worst",), ()]


def test_the_rest_is_spread_over_the_split():
    ids = tuple(f"{i:03d}" for i in range(100))
    board = board_of((record("one", ids=ids), {"EN": [0.0] * 100}))
    assert [entry.id for entry in choose_images(board, 4)] == ["012", "037", "062", "087"]


def test_images_that_cannot_be_told_apart_have_no_tags_and_none_is_shown_for_none_wanted():
    board = board_of((record("one"), {"EN": [1] * 6}))
    assert [entry.tags for entry in choose_images(board, 99)] == [()] * 6
    assert choose_images(board, 0) == []
