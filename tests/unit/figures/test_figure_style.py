"""Looks, widths and text that fits."""

from itertools import pairwise

import matplotlib
import pytest
from matplotlib.colors import to_rgb

from fusionbench.errors import RequestError
from fusionbench.figures.drawing import fit, panel_figure, text_width, wrap
from fusionbench.figures.options import CropBox, parse_box
from fusionbench.figures.style import applied, looks, parse_width


def test_seventy_methods_look_unlike_each_other():
    styles = looks(f"method {i}" for i in range(70))
    assert len({(look.color, look.marker) for look in styles.values()}) == 70


def test_neighbors_differ_in_color_marker_and_dashes_and_no_line_is_pale():
    styles = list(looks(f"method {i}" for i in range(20)).values())
    for style, other in pairwise(styles):
        assert style.color != other.color
        assert style.marker != other.marker
        assert style.dashes != other.dashes
    for look in styles:
        assert sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), to_rgb(look.color), strict=True)) < 0.75


def test_the_users_settings_neither_enter_nor_change():
    before = matplotlib.rcParams["lines.linewidth"]
    with matplotlib.rc_context({"lines.linewidth": 17, "axes.facecolor": "red"}):
        with applied():
            assert matplotlib.rcParams["lines.linewidth"] < 2
            assert matplotlib.rcParams["axes.facecolor"] == "white"
        assert matplotlib.rcParams["lines.linewidth"] == 17
    assert matplotlib.rcParams["lines.linewidth"] == before


def test_text_is_cut_and_wrapped_to_a_width():
    text = "A method of a very long name indeed"
    assert fit(text, 10.0) == text
    cut = fit(text, 1.0)
    assert cut.endswith("…")
    assert text_width(cut) <= 1.0
    lines = wrap(text, 1.0)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert max(map(text_width, lines)) <= 1.0


@pytest.mark.parametrize(("text", "inches"), [("one", 3.5), ("two", 7.16), ("5.25", 5.25)])
def test_widths(text, inches):
    assert parse_width(text) == inches


@pytest.mark.parametrize("text", ["three", "1", "0", "nan", "1e9", ""])
def test_no_widths(text):
    with pytest.raises(RequestError, match="--width"):
        parse_width(text)


def test_boxes():
    assert parse_box("4, 5,6,7") == CropBox(4, 5, 6, 7)
    for text in ("1,2,3", "a,b,c,d", "1,2,0,4", "-1,2,3,4"):
        with pytest.raises(RequestError, match="--zoom"):
            parse_box(text)


@pytest.mark.parametrize(
    ("panels", "width", "group", "columns"),
    [(10, 7.16, 1, 3), (4, 7.16, 1, 2), (4, 7.16, 2, 2), (5, 3.5, 1, 1)],
)
def test_panels_fill_the_width(panels, width, group, columns):
    figure, axes, column_count = panel_figure(panels, width, 2.0, group=group)
    assert column_count == columns
    assert len(axes) == len(figure.axes) == panels
    assert figure.get_figwidth() == width
