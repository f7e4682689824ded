"""Figures of trainings: every term by epoch, every cosine by step, over interrupted calls."""

import json

import pytest

from fusionbench.data.training_data import find_training_data
from fusionbench.errors import DataNotFoundError
from fusionbench.figures import draw
from fusionbench.figures.logs.cosine import window
from fusionbench.figures.logs.stages import find_stages
from fusionbench.figures.options import Options

HEAD = "epoch,step,train/cosine_sar_opt,train/loss,val/loss\n"
FIRST = "0,0,0.5,1,\n0,1,-0.25,3,\n0,1,,,9\n1,2,0.9,100,\n"  # cut in epoch 1
SECOND = "1,2,-0.5,5,\n1,3,0.75,7,\n1,3,,,8\n"


@pytest.fixture
def training(tmp_path):
    folder = tmp_path / "training/demo/net/0123456789"
    for name, rows in (("csv-0", FIRST), ("csv-1", SECOND)):
        (folder / "fuse" / name).mkdir(parents=True)
        (folder / "fuse" / name / "metrics.csv").write_text(HEAD + rows)
    return folder


def test_terms_are_means_by_epoch_without_the_cosines(training):
    figure = draw("training", [training], Options()).figure
    lines = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[0].lines}
    assert lines == {"train loss": [2, 6], "val loss": [9, 8]}


def test_cosines_are_shown_step_by_step_and_a_repeated_step_once(training):
    drawing = draw("cosine", [training], Options())
    raw, mean, zero = drawing.figure.axes[0].lines
    assert raw.get_xdata().tolist() == [0, 1, 2, 3]
    assert raw.get_ydata().tolist() == [0.5, -0.25, -0.5, 0.75]
    assert mean.get_ydata().tolist() == raw.get_ydata().tolist()  # a fiftieth of four steps is one
    assert mean.get_label() == "sar_opt: mean 0.125, below 0 in 50% of the steps"
    assert list(zero.get_ydata()) == [0, 0]
    assert "net on demo (training 0123456789, not finished)." in drawing.caption


def test_the_running_mean_widens_with_the_training():
    assert [window(steps) for steps in (1, 50, 500)] == [1, 1, 10]


def test_stages_stand_in_the_order_of_the_training(training):
    (training / "blend/csv-0").mkdir(parents=True)
    (training / "blend/csv-0/metrics.csv").write_text(HEAD + FIRST)
    (data,) = find_training_data("demo", limit=2).manifest()
    card = {"method": "net", "datasets": [data, {**data, "name": "msrs", "pairs": 8}]}
    (training / "weights.json").write_text(
        json.dumps({**card, "identity": {"stages": {"fuse": {}, "blend": {}}}})
    )
    assert [stage.title for stage in find_stages([training])] == ["fuse", "blend"]
    assert (
        "net on demo (train split, 2 pairs) and msrs (train split, 8 pairs)."
        in draw("training", [training], Options()).caption
    )


def test_several_trainings_are_told_apart_by_the_method(training):
    other = training.parents[1] / "other/abcdef/fuse/csv-0"
    other.mkdir(parents=True)
    (other / "metrics.csv").write_text(HEAD + FIRST)
    titles = [stage.title for stage in find_stages([training.parents[2]])]
    assert titles == ["net · fuse", "other · fuse"]


def test_a_folder_without_logs_or_cosines_is_an_error(training, tmp_path):
    with pytest.raises(DataNotFoundError, match="No training log below"):
        draw("training", [tmp_path / "nothing"], Options())
    for log in training.rglob("metrics.csv"):
        log.write_text("epoch,step,train/loss\n0,0,1\n")
    with pytest.raises(DataNotFoundError, match="PCGrad"):
        draw("cosine", [training], Options())


def test_two_trainings_of_one_method_are_told_apart_by_their_ids(training):
    again = training.parent / "abcdef/fuse/csv-0"
    again.mkdir(parents=True)
    (again / "metrics.csv").write_text(HEAD + SECOND)
    titles = [stage.title for stage in find_stages([training, again.parents[1]])]
    assert titles == ["net 0123456789 · fuse", "net abcdef · fuse"]
    assert find_stages([training, training]) == find_stages([training])
