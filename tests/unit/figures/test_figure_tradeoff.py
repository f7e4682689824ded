"""Quality against cost: which points, which front, from which file."""

import json

import pytest
from figure_samples import SCORES, board

from fusionbench.errors import RequestError
from fusionbench.figures import draw
from fusionbench.figures.costs import find_costs, read_profile
from fusionbench.figures.options import Options
from fusionbench.figures.tradeoff import Point, pareto


def row(params, latency, macs=0, device="A GPU", size="64x64"):
    return {
        "status": "ok", "params": params, "macs": {size: macs}, "latency_ms": {size: {"median": latency}},
        "peak_memory_mb": {size: None}, "hardware": {"device": device, "threads": 2, "driver": "1.0"},
    }  # fmt: skip


PROFILE = {"alpha": row(2e6, 4.0, 8e9), "beta": row(1e6, 2.0), "gamma": row(4e6, 8.0, 1e9)}


def test_the_front_holds_what_no_other_beats_in_both():
    points = [
        Point("fast", 1.0, 0.5, True),
        Point("slow and worse", 2.0, 0.4, True),
        Point("slow and better", 3.0, 0.9, True),
        Point("as good but slower", 4.0, 0.9, True),
        Point("free", 0.0, 2.0, False),
    ]
    assert [p.method for p in pareto(points, "higher")] == ["fast", "slow and better"]
    assert [p.method for p in pareto(points, "lower")] == ["fast", "slow and worse"]


def test_costs_come_from_the_profile_in_the_units_of_the_axis():
    latency, params, macs = find_costs(board(), ("latency", "params", "macs"), PROFILE)
    assert latency.values == {"alpha": 4.0, "beta": 2.0, "gamma": 8.0}
    assert params.values == {"alpha": 2.0, "beta": 1.0, "gamma": 4.0}
    assert macs.values == {"alpha": 8.0, "beta": 0.0, "gamma": 1.0}
    assert latency.note == "Latency at 64x64, batch 1 on A GPU."


def test_without_a_profile_the_runs_own_seconds_count():
    (cost,) = find_costs(board(), (), None)
    assert cost.values["alpha"] == 0.5  # 2 seconds for 4 images
    assert "one CPU" in cost.note


def test_points_stand_at_cost_and_mean_and_what_is_missing_is_named():
    drawing = draw("tradeoff", [board()], Options(metrics=("EN",), measured=PROFILE))
    axes = drawing.figure.axes[0]
    front, *dots = axes.lines
    assert [dot.get_xdata()[0] for dot in dots] == [4.0, 2.0, 8.0]
    assert [dot.get_ydata()[0] for dot in dots] == pytest.approx([6.125, 6.225, 6.325])
    assert list(front.get_xdata()) == [2.0, 8.0]
    assert axes.get_xscale() == "log"
    assert "A GPU" in drawing.caption
    assert "not shown: Method copy." in drawing.caption


def test_nothing_for_free_on_a_logarithmic_axis():
    figure = draw("tradeoff", [board()], Options(metrics=("EN",), measured=PROFILE, costs=("macs",))).figure
    assert figure.axes[0].get_xscale() == "symlog"


def test_sizes_that_are_not_shared_are_no_comparison():
    mixed = {**PROFILE, "beta": row(1, 1.0, size="32x32")}
    with pytest.raises(RequestError, match="one --size"):
        find_costs(board(), ("latency",), mixed)


@pytest.mark.parametrize(
    ("wanted", "measured", "said"),
    [
        (("speed",), None, "Unknown cost 'speed'"),
        (("latency",), None, "--profile-json"),
        (("latency",), {"other": row(1, 1.0)}, "No method of the records has a latency"),
    ],
)
def test_costs_that_are_not_there(wanted, measured, said):
    with pytest.raises(RequestError, match=said):
        find_costs(board({"alpha": SCORES["alpha"]}), wanted, measured)


@pytest.mark.parametrize("text", ["no json", "[]", "{}", json.dumps({"alpha": {"images": 3}})])
def test_another_file_is_no_profile(tmp_path, text):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(RequestError, match="is not a profile"):
        read_profile(tmp_path / "file.json")
