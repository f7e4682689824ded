"""Lines over an argument and over the strength of noise, and curves from image to image."""

from __future__ import annotations

import numpy as np
import pytest
from figure_samples import SCORES, board, record, score_rows

from fusionbench.errors import RequestError
from fusionbench.figures import draw
from fusionbench.figures.options import Options
from fusionbench.tables.board import Board, build_boards


def varied(runs: list[dict], levels: list[float]) -> Board:
    """Return a board of runs whose EN is a level on each pair."""
    rows = [
        row for run, level in zip(runs, levels, strict=True) for row in score_rows(run, {"EN": [level] * 4})
    ]
    (built,) = build_boards(runs, rows)
    return built


def with_argument(method: str, **arguments: float) -> dict:
    told = "+".join(f"{name}={value}" for name, value in arguments.items())
    run = record(f"{method}@{told}")
    return run | {"config": {"args": arguments}}


def with_noise(method: str, kind: str = "", variance: float = 0.0) -> dict:
    if not kind:
        return record(method)
    run = record(f"{method}@{kind}={variance:g}")
    noise = {source: {"kind": kind, "variance": variance} for source in "ab"}
    return run | {"identity": run["identity"] | {"noise": noise}}


def test_means_stand_over_the_argument_that_varies() -> None:
    runs = [with_argument("alpha", weight=value) for value in (0.5, 0.1, 0.3)]
    drawing = draw("lines", [varied(runs, [5.0, 1.0, 3.0])], Options(over=("weight",)))
    (axes,) = drawing.figure.axes
    (line,) = axes.lines
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([0.1, 0.3, 0.5], [1.0, 3.0, 5.0])
    assert (axes.get_xlabel(), axes.get_title()) == ("weight", "EN ↑")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.1", "0.3", "0.5"]
    assert draw("lines", [varied(runs, [5.0, 1.0, 3.0])], Options()).figure.axes[0].get_xlabel() == "weight"


def test_a_line_for_each_setting_of_all_else() -> None:
    runs = [with_argument("alpha", weight=w, depth=d) for d in (3, 4) for w in (0.1, 0.2)]
    figure = draw("lines", [varied(runs, [1.0, 2.0, 3.0, 4.0])], Options(over=("weight",))).figure
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[1.0, 2.0], [3.0, 4.0]]
    assert [line.get_label().rpartition("(")[2] for line in figure.axes[0].lines] == ["depth=3)", "depth=4)"]


def test_noise_is_drawn_over_its_variance_from_the_run_without() -> None:
    runs = [
        with_noise("alpha"), with_noise("alpha", "stripe", 100), with_noise("alpha", "stripe", 25),
        with_noise("beta"), with_noise("beta", "stripe", 25), with_noise("alpha", "gaussian", 25),
    ]  # fmt: skip
    drawing = draw("lines", [varied(runs, [7.0, 5.0, 6.0, 4.0, 3.0, 2.0])], Options())
    stripe, gaussian = sorted(drawing.figure.axes, key=lambda axes: axes.get_xlabel(), reverse=True)
    assert stripe.get_xlabel() == "variance of stripe noise (squared gray levels)"
    lines = {
        line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in stripe.lines
    }
    assert lines == {
        "Method alpha": ([0.0, 25.0, 100.0], [7.0, 6.0, 5.0]),
        "Method beta": ([0.0, 25.0], [4.0, 3.0]),
    }
    assert [line.get_ydata().tolist() for line in gaussian.lines] == [[7.0, 2.0]]
    assert "compare with the sources without it" in drawing.caption
    assert len(draw("lines", [varied(runs, [1.0] * 6)], Options(over=("stripe",))).figure.axes) == 1


def test_where_nothing_varies_it_is_said() -> None:
    with pytest.raises(RequestError, match=r"--over|name the arguments"):
        draw("lines", [board()], Options())


def test_unsorted_curves_go_from_image_to_image() -> None:
    drawing = draw("curves", [board()], Options(metrics=("EN",), unsorted=True))
    (axes,) = drawing.figure.axes
    assert axes.lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert axes.lines[0].get_ydata().tolist() == SCORES["alpha"]["EN"]
    assert axes.get_xlabel() == "image"
    assert drawing.caption.startswith("Scores image by image")


def test_a_sample_is_the_same_images_each_time_and_says_so() -> None:
    drawings = [
        draw("curves", [board()], Options(metrics=("EN",), unsorted=True, sample=3)) for _ in range(2)
    ]
    values = [drawing.figure.axes[0].lines[0].get_ydata() for drawing in drawings]
    np.testing.assert_array_equal(*values)
    assert len(values[0]) == 3
    # the mean in the legend stays that of all pairs
    assert drawings[0].figure.axes[0].lines[0].get_label() == "Method alpha  6.1250"
    assert "Drawn are 3 images" in drawings[0].caption
    with pytest.raises(RequestError, match="--sample 5"):
        draw("curves", [board()], Options(metrics=("EN",), sample=5))
