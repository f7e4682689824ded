"""Predictions laid over the images of the report's gallery."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("segmentation_models_pytorch", reason="downstream tasks need the extra downstream")
pytest.importorskip("faster_coco_eval", reason="downstream tasks need the extra downstream")

from fusionbench.cells.progress import Reporter
from fusionbench.cells.store import read_records, score_rows
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.downstream import work
from fusionbench.downstream.modules import Detections
from fusionbench.downstream.run import DownstreamOptions, plan_downstream
from fusionbench.report import document
from fusionbench.report.document import PageOptions, make_page
from fusionbench.report.groups import make_groups
from fusionbench.tables.source_pairs import SourcePairs

CAR = (230, 60, 60, 140)  # class 1 of a map, at the opacity of an overlay
BICYCLE = (60, 180, 75, 255)  # class 1 of the boxes


def top(image: np.ndarray) -> np.ndarray:
    found = np.zeros(image.shape[:2], np.uint8)
    found[:32] = 1
    return found


def two(image: np.ndarray) -> Detections:
    """One object that the network is sure of and one that it is not."""
    return Detections(np.array([[4.0, 6, 40, 50], [50, 50, 60, 60]]), np.array([0.8, 0.1]), np.array([1, 0]))


def picture(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA")


def test_the_gallery_has_what_was_predicted_and_annotated(scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    here = scenes()
    for task, predict in (("segment", top), ("detect", two)):
        monkeypatch.setattr(work, "_predictor", lambda *_, predict=predict: predict)
        asked = DownstreamOptions(
            task=task,
            dataset="msrs",
            runs=(here.runs,),
            method=("visible",),
            device="cpu",
            data_root=str(here.data),
        )
        for unit in plan_downstream(asked).units:
            assert work.do_unit(unit, Reporter()) is None
    # the fixture's records have no true data hash, without which the sources would not be shown
    pairs = find_split(dataset("msrs"), "test", here.data).pairs
    sources = SourcePairs({pair.id: pair for pair in pairs}, "")
    monkeypatch.setattr(document, "find_sources", lambda *_: sources)
    records = read_records(here.runs)
    page = make_page(make_groups(records, score_rows(records)), PageOptions(data_root=str(here.data)))
    data = json.loads(re.search(r'id="group-0-data">(.*?)</script>', page.text, re.S)[1])
    assert [task["title"] for task in data["tasks"]] == ["Segmentation", "Detection"]
    assert data["tasks"][0]["key"][0] == {"name": "car", "color": "rgb(230 60 60)"}
    assert data["tasks"][1]["key"][1] == {"name": "bicycle", "color": "rgb(60 180 75)"}
    drawn = dict(zip([image["id"] for image in data["images"]], data["drawn"], strict=True))
    tested = {"00004D", "00005D"}
    assert {name for name, tasks in drawn.items() if any(any(row) for row in tasks)} == tested
    labels = [column["label"].partition(" ")[0].lower() for column in data["columns"]]
    visible, infrared = (labels.index(name) for name in ("visible", "infrared"))
    maps, boxes = drawn["00004D"]
    assert maps[0] is boxes[0] is None, "nothing is laid over source a"
    assert maps[infrared] is None, "the row was not tested"
    assert [picture(maps[visible]).getpixel(at) for at in ((9, 9), (9, 40))] == [CAR, (150, 150, 150, 0)]
    assert picture(boxes[visible]).getpixel((4, 20)) == BICYCLE
    assert picture(boxes[visible]).getpixel((50, 55))[3] == 0
    annotated = np.array(Image.open(here.data / "MSRS/test/Segmentation_labels/00004D.png"))
    assert ((np.array(picture(maps[1]))[..., 3] > 0) == (annotated == 1)).all()
