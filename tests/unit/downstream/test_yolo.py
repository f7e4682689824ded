"""YOLO by ultralytics: trains and finds boxes, without the network."""

import socket

import pytest

pytest.importorskip("ultralytics", reason="the YOLO networks need the extra yolo (AGPL-3.0)")

from test_downstream import options

from fusionbench.cells.progress import Reporter
from fusionbench.downstream.run import plan_downstream
from fusionbench.downstream.work import do_unit


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # ultralytics' own
def test_yolo_trains_and_scores_without_the_network(scenes, monkeypatch) -> None:
    from dataclasses import replace

    def refused(*_: object, **__: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    asked = replace(
        options(scenes(), "detect", method=("visible",)),
        network="yolov8n@cpu",
        overrides=("epochs=1", "height=64", "width=64", "batch_size=2"),
    )
    (unit,) = plan_downstream(asked).units
    assert do_unit(unit, Reporter()) is None
    assert not (unit.network_place / "data").exists()
    assert "AGPL-3.0" in unit.setting
