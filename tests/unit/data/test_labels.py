"""Bounding boxes from YOLO lines, Pascal VOC files and label maps, and what `data verify` says of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.checking.verify import verify
from fusionbench.data.images import read_image
from fusionbench.data.labels import read_boxes
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.data.spec import BoxSpec, LabelSpec
from fusionbench.errors import ImageError

SPEC = BoxSpec(("person", "car"), {"trunk": "car"})
SIZE = (40, 80)


def test_yolo_lines_are_fractions_of_the_image(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1  0.5 0.5  0.25 0.5\n\n0 0.0 0.5 0.5 0.5\n")
    boxes = read_boxes(path, SPEC, SIZE)
    np.testing.assert_allclose(boxes.corners, [[30, 10, 50, 30], [0, 10, 20, 30]])
    assert boxes.numbers.tolist() == [1, 0]
    assert boxes.dropped == 0


def test_voc_corners_count_from_one_and_names_may_be_aliases(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>12</ymax></bndbox>"
    path.write_text(f"<annotation><object><name>Trunk</name>{box}</object></annotation>")
    boxes = read_boxes(path, SPEC, SIZE)
    np.testing.assert_allclose(boxes.corners, [[0, 1, 10, 12]])
    assert boxes.numbers.tolist() == [1]


def test_connected_parts_of_a_label_map_are_boxes(tmp_path: Path) -> None:
    numbers = np.zeros((20, 30), np.uint8)
    numbers[2:8, 3:9] = numbers[8:12, 9:13] = 2  # they touch at a corner
    numbers[15:17, 20:22] = 2  # 4 pixels: a rest
    Image.fromarray(numbers).save(tmp_path / "a.png")
    boxes = read_boxes(tmp_path / "a.png", SPEC, (20, 30), LabelSpec(("road", "person", "car")))
    np.testing.assert_array_equal(boxes.corners, [[3, 2, 13, 12]])
    assert boxes.numbers.tolist() == [1]


@pytest.mark.parametrize("name", ["a.txt", "a.xml"])
def test_an_empty_file_says_that_there_is_no_object(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("\n")
    boxes = read_boxes(tmp_path / name, SPEC, SIZE)
    assert (boxes.corners.shape, boxes.numbers.shape) == ((0, 4), (0,))


def test_boxes_are_cut_off_at_the_border_and_flat_ones_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.0 0.5 0.5 0.5\n0 0.5 0.5 0.1 0\n0 2 2 0.1 0.1\n")
    boxes = read_boxes(tmp_path / "a.txt", SPEC, SIZE)
    np.testing.assert_allclose(boxes.corners, [[0, 10, 20, 30]])
    assert boxes.dropped == 2


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "0 0.5 0.5 0.1", "line 1 is not a YOLO box"),
        ("a.txt", "2 0.5 0.5 0.1 0.1", "class 2: classes are 0 person, 1 car"),
        ("a.txt", "0 nan 0.5 0.1 0.1", "not finite"),
        ("a.xml", "<annotation>", "not readable XML"),
        ("a.xml", "<a><object><name>bus</name></object></a>", "object 1 has class 'bus'"),
        ("a.xml", "<a><object><name>car</name></object></a>", "lacks a bndbox"),
    ],
)
def test_what_is_no_box_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ImageError, match=message):
        read_boxes(tmp_path / name, SPEC, SIZE)


def test_verify_names_wrong_labels(build_tree) -> None:
    root = build_tree(dataset("msrs"))
    test = root / "MSRS" / "test"
    (test / "Segmentation_labels").mkdir()
    (test / "detection_labels" / "fusion").mkdir(parents=True)
    for number, name in enumerate(("1", "2", "10")):
        map_ = np.full((12, 9), 9 if name == "2" else 8, np.uint8)
        Image.fromarray(map_).save(test / "Segmentation_labels" / f"{name}.png")
        text = ["0 0.1 0.5 1.9 0.5", "", "0 0.5 0.5 0.5 0"][number]
        (test / "detection_labels" / "fusion" / f"{name}.txt").write_text(text)
    messages = {str(problem).split(".")[0] for problem in verify(dataset("msrs"), root)}
    assert "error: test: labels cannot be used: '2'" in messages
    assert "warning: test: boxes leave the image, and are cut off at its border: '1'" in messages
    assert "warning: test: boxes without area, which count as no object: '10'" in messages


def test_real_boxes_lie_inside_real_images(shared_data: Path) -> None:
    for name, count in (("msrs", 489), ("m3fd-detection", 153)):
        spec = dataset(name)
        pairs = find_split(spec, "test", shared_data).pairs
        boxes_of_images = [read_boxes(pair.boxes, spec.boxes, read_image(pair.a).shape[:2]) for pair in pairs]
        assert sum(len(boxes.numbers) for boxes in boxes_of_images) == count
        assert all(boxes.corners.min(initial=0) >= 0 and boxes.dropped == 0 for boxes in boxes_of_images)
