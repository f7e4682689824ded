"""Cumulative curves, agreement and ranks show the numbers they are made from."""

import numpy as np
import pytest
from figure_samples import SCORES, board

from fusionbench.errors import RequestError
from fusionbench.figures import draw
from fusionbench.figures.curves import cumulative
from fusionbench.figures.options import Options
from fusionbench.figures.ranks import rank


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_a_point_is_a_fraction_and_the_most_that_it_scores():
    x, y = cumulative(np.array([3.0, 1.0, np.nan, 2.0]))
    assert y.tolist() == [1.0, 2.0, 3.0]
    assert x == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_curves_are_the_sorted_scores_with_the_mean_in_the_legend():
    figure = draw("curves", [board()], Options(metrics=("EN", "MSE"))).figure
    en, mse = figure.axes
    assert [axes.get_title() for axes in (en, mse)] == ["EN ↑", "MSE ↓"]
    assert len(en.lines) == len(SCORES)
    alpha = en.lines[0]
    assert alpha.get_ydata().tolist() == [5.0, 6.0, 6.5, 7.0]
    assert alpha.get_xdata().tolist() == [0.25, 0.5, 0.75, 1.0]
    assert alpha.get_label() == "Method alpha  6.1250"
    # a method without a score on one pair has a count in place of a mean, and a curve of the three that it has
    assert mse.lines[-1].get_label() == "Method copy  – (3/4)"
    assert mse.lines[-1].get_ydata().tolist() == [1.0, 1.0, 1.0]


def test_a_method_looks_alike_in_every_panel_and_unlike_the_others():
    boards = [board(), board({"gamma": SCORES["gamma"]}, name="demo-two")]
    axes = draw("curves", boards, Options()).figure.axes
    looks = [{x.get_label().split("  ")[0]: (x.get_color(), x.get_marker()) for x in a.lines} for a in axes]
    assert len(set(looks[0].values())) == len(SCORES)
    assert {look["Method gamma"] for look in looks} == {looks[0]["Method gamma"]}
    assert "The demo-two set" in axes[-1].get_title()


def test_the_caption_states_pairs_split_and_profile():
    drawing = draw("curves", [board()], Options())
    assert drawing.caption.endswith("The demo set, test split, 4 pairs. Profile canonical.")
    assert any("4 pairs" in text for text in texts(drawing.figure))
    bare = draw("curves", [board()], Options(caption=False))
    assert bare.caption == drawing.caption
    assert not any("Profile" in text for text in texts(bare.figure))


def test_ranks_are_those_of_the_statistics():
    ranking = rank(board(), board().column("EN"))
    assert ranking.methods == ("alpha", "beta", "gamma", "copy")
    assert ranking.means == pytest.approx((3.0, 2.0, 1.0, 4.0))
    assert ranking.critical == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 4)), abs=1e-3)  # Demsar's table 5a
    assert ranking.cliques == ((2, 1, 0), (1, 0, 3))


def test_the_diagram_puts_each_method_at_its_mean_rank():
    drawing = draw("ranks", [board()], Options(metrics=("EN",)))
    (axes,) = drawing.figure.axes
    marks = sorted(x.get_xdata()[0] for x in axes.lines if x.get_marker() not in ("None", None, ""))
    assert np.diff(marks) == pytest.approx(np.diff(marks)[0])  # ranks 1, 2, 3 and 4
    shown = texts(drawing.figure)
    assert {"Method alpha", "3.00", "Method gamma", "1.00", "CD = 2.35"} <= set(shown)


def test_a_method_without_all_scores_is_left_out_of_the_ranks_and_named():
    drawing = draw("ranks", [board()], Options(metrics=("MSE",)))
    assert "left out: MSE: Method copy." in drawing.caption
    assert "Method copy" not in texts(drawing.figure)


def test_a_single_method_has_no_rank():
    with pytest.raises(RequestError, match="two methods"):
        draw("ranks", [board({"alpha": SCORES["alpha"]})], Options())


def test_the_matrix_holds_kendalls_tau_and_prints_it():
    scores = {
        "alpha": {"EN": [6.0] * 4, "MSE": [1.0] * 4, "SD": [1.0] * 4},
        "beta": {"EN": [5.0] * 4, "MSE": [2.0] * 4, "SD": [3.0] * 4},
        "gamma": {"EN": [4.0] * 4, "MSE": [3.0] * 4, "SD": [2.0] * 4},
    }
    figure = draw("agreement", [board(scores)], Options()).figure
    matrix = np.asarray(figure.axes[0].images[0].get_array())
    # columns in the order of the cards: EN, SD, MSE; less MSE is better, so it agrees with EN
    assert matrix == pytest.approx(np.array([[1, -1 / 3, 1], [-1 / 3, 1, -1 / 3], [1, -1 / 3, 1]]))
    assert texts(figure.axes[0]).count("−0.33") == 4


def test_agreement_needs_two_metrics():
    with pytest.raises(RequestError, match="two metrics"):
        draw("agreement", [board()], Options(metrics=("EN",)))


def test_a_metric_without_scores_is_named():
    with pytest.raises(RequestError, match=r"No VIF of The demo set .*scored are EN, MSE"):
        draw("curves", [board(metrics=["EN", "MSE", "VIF"])], Options(metrics=("EN", "MSE", "VIF")))


def test_one_set_of_pairs_at_a_time():
    with pytest.raises(RequestError, match="--dataset"):
        draw("ranks", [board(), board(name="demo-two")], Options())
