"""Learning curves from the logs of one or several calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fusionbench.training.curves import read_curves, write_curves

HEAD = "epoch,lr-Adam,step,train/l1,train/loss,val/loss\n"


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """Make the logs of a training that was cut in its third epoch and went on from there."""
    logs = {
        "csv-0": ",0.1,0,,,\n0,,0,1,2,\n0,,1,3,4,\n0,,1,,,9\n1,,2,5,6,\n1,,3,,,8\n2,,4,100,100,\n",
        "csv-2": "2,,4,7,8,\n2,,5,9,10,\n2,,5,,,7\n",
    }
    for name, rows in logs.items():
        (tmp_path / "fuse" / name).mkdir(parents=True)
        (tmp_path / "fuse" / name / "metrics.csv").write_text(HEAD + rows)
    return tmp_path / "fuse"


def test_epochs_are_means_and_a_begun_epoch_counts_once(stage: Path) -> None:
    curves = read_curves(stage)
    assert list(curves.index) == [0, 1, 2]
    assert curves["train/l1"].tolist() == [2, 5, 8]
    assert curves["train/loss"].tolist() == [3, 6, 9]
    assert curves["val/loss"].tolist() == [9, 8, 7]


def test_later_calls_are_put_in_order_of_their_epochs(stage: Path) -> None:
    (stage / "csv-10").mkdir()
    (stage / "csv-10/metrics.csv").write_text(HEAD + "10,,9,1,1,\n")
    assert list(read_curves(stage).index) == [0, 1, 2, 10]


def test_the_picture_is_written(stage: Path) -> None:
    path = write_curves(stage.parent, ["fuse"])
    with Image.open(path) as image:
        assert image.size == (720, 480)


def test_no_log_makes_an_empty_table(tmp_path: Path) -> None:
    assert read_curves(tmp_path).empty
