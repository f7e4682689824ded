"""IoU and AP against reference libraries, and the conventions for what is absent."""

import numpy as np
import pytest

pytest.importorskip("segmentation_models_pytorch", reason="downstream tasks need the extra downstream")
pytest.importorskip("faster_coco_eval", reason="downstream tasks need the extra downstream")

from fusionbench.data.labels import Boxes
from fusionbench.downstream.libraries.coco import average_precision, score_boxes
from fusionbench.downstream.modules import Detections
from fusionbench.downstream.scoring import score_maps

CLASSES = ("background", "car", "person")


def maps(count: int = 6, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.choice(3, (20, 30), p=(0.7, 0.2, 0.1)).astype(np.uint8) for _ in range(count)]


def boxes(rng: np.random.Generator, count: int) -> Boxes:
    corner, size = rng.uniform(0, 80, (count, 2)), rng.uniform(8, 40, (count, 2))
    return Boxes(np.hstack([corner, corner + size]), rng.integers(0, 3, count))


def noisy(rng: np.random.Generator, of: Boxes) -> Detections:
    """Detections near the annotated boxes, some of them of another class."""
    corners = np.vstack([of.corners + rng.normal(0, 3, of.corners.shape), boxes(rng, 2).corners])
    numbers = np.concatenate([np.where(rng.random(len(of.numbers)) < 0.8, of.numbers, 0), [1, 2]])
    return Detections(corners, rng.uniform(0.1, 1, len(corners)), numbers)


def test_iou_is_that_of_scikit_learn_and_torchmetrics() -> None:
    import torch
    from sklearn.metrics import jaccard_score
    from torchmetrics.classification import MulticlassJaccardIndex

    annotated, predicted = maps(), maps(seed=1)
    values = score_maps(predicted, annotated, CLASSES, 255).values
    flat = [np.concatenate([m.ravel() for m in side]) for side in (annotated, predicted)]
    expected = jaccard_score(*flat, average=None)
    assert [values[f"IoU:{name}"].value for name in CLASSES] == pytest.approx(expected, abs=1e-12)
    index = MulticlassJaccardIndex(3)(*(torch.from_numpy(side.astype(np.int64)) for side in reversed(flat)))
    assert values["mIoU"].value == pytest.approx(float(index), abs=1e-6)


def test_perfect_maps_give_one_and_shuffled_ones_chance() -> None:
    annotated = maps()
    assert score_maps(annotated, annotated, CLASSES, 255).values["mIoU"][:3] == (1.0, 1.0, 1.0)
    rng = np.random.default_rng(2)
    shuffled = [rng.permutation(m.ravel()).reshape(m.shape) for m in annotated]
    shares = np.bincount(np.concatenate([m.ravel() for m in annotated])) / (6 * 600)
    values = score_maps(shuffled, annotated, CLASSES, 255).values
    # two independent draws of share p meet on p^2 of the pixels and cover 2p - p^2
    chance = [p * p / (2 * p - p * p) for p in shares]
    assert [values[f"IoU:{name}"].value for name in CLASSES] == pytest.approx(chance, abs=0.02)


def test_classes_that_are_not_annotated_have_no_iou_and_ignored_pixels_do_not_count() -> None:
    annotated = [np.array([[0, 0, 255, 255]], np.uint8)]
    predicted = [np.array([[0, 2, 2, 0]], np.uint8)]
    values = score_maps(predicted, annotated, CLASSES, 255).values
    assert values["IoU:background"].value == 0.5
    assert values["mIoU"].value == 0.5
    assert values["IoU:car"].value is None
    assert "no test image" in values["IoU:person"].reason
    nothing = score_maps(predicted, [np.full((1, 4), 255, np.uint8)], CLASSES, 255).values
    assert nothing["mIoU"].value is None


def test_intervals_hold_the_value_and_are_alike_for_alike_images() -> None:
    annotated, predicted = maps(30), maps(30, seed=1)
    value = score_maps(predicted, annotated, CLASSES, 255).values["mIoU"]
    assert value.low < value.value < value.high
    same = score_maps([predicted[0]] * 4, [annotated[0]] * 4, CLASSES, 255).values["mIoU"]
    assert same.low == pytest.approx(same.high)


def test_ap_is_that_of_the_libraries() -> None:
    from faster_coco_eval import COCO, COCOeval_faster

    rng = np.random.default_rng(0)
    annotated = [boxes(rng, int(n)) for n in rng.integers(0, 6, 25)]
    detected = [noisy(rng, of) for of in annotated]
    entries = [
        {"id": i, "image_id": image, "category_id": int(kind) + 1, "bbox": [*c[:2], c[2] - c[0], c[3] - c[1]],
         "area": float((c[2] - c[0]) * (c[3] - c[1])), "iscrowd": 0}
        for i, (image, c, kind) in enumerate(
            ((image, c, k) for image, of in enumerate(annotated) for c, k in zip(of.corners, of.numbers, strict=True)), 1
        )
    ]  # fmt: skip
    detections = [
        {
            "image_id": image,
            "category_id": int(k) + 1,
            "bbox": [*c[:2], c[2] - c[0], c[3] - c[1]],
            "score": float(s),
        }
        for image, of in enumerate(detected)
        for c, s, k in zip(*of, strict=True)
    ]
    reference = COCO({"images": [{"id": i} for i in range(25)], "annotations": entries, "info": {},
                      "categories": [{"id": i + 1, "name": name} for i, name in enumerate(CLASSES)]})  # fmt: skip
    run = COCOeval_faster(reference, reference.loadRes(detections), "bbox", print_function=lambda *_: None)
    run.run()
    values = average_precision(detected, annotated, CLASSES)
    assert values["mAP50"] == pytest.approx(run.stats_as_dict["AP_50"], abs=1e-6)
    assert values["mAP50-95"] == pytest.approx(run.stats_as_dict["AP_all"], abs=1e-6)
    assert 0.3 < values["mAP50"] < 0.95
    by_class = {entry["class"]: entry for entry in run.extended_metrics["class_map"]}
    for name in CLASSES:
        assert values[f"AP50:{name}"] == pytest.approx(by_class[name]["map@50"], abs=1e-6)
        assert values[f"AP50-95:{name}"] == pytest.approx(by_class[name]["map@50:95"], abs=1e-6)


NOTHING = Boxes(np.zeros((0, 4)), np.zeros(0, np.int64))
UNFOUND = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
CAR = Boxes(np.array([[10.0, 10, 30, 40]]), np.array([1]))


def exact(of: Boxes) -> Detections:
    return Detections(of.corners, np.ones(len(of.numbers)), of.numbers)


def test_perfect_boxes_give_one() -> None:
    values = score_boxes([exact(CAR), UNFOUND], [CAR, NOTHING], CLASSES).values
    assert values["mAP50"].value == values["mAP50-95"].value == values["AP50:car"].value == 1.0
    assert values["AP50:person"].value is None


def test_what_is_absent_is_no_crash() -> None:
    assert average_precision([UNFOUND], [CAR], CLASSES)["mAP50"] == 0.0
    assert average_precision([UNFOUND], [CAR], CLASSES)["AP50:car"] == 0.0
    assert np.isnan(average_precision([exact(CAR)], [NOTHING], CLASSES)["mAP50"])
    assert np.isnan(average_precision([UNFOUND], [NOTHING], CLASSES)["mAP50-95"])
    flat = Detections(np.array([[10.0, 10, 10, 40]]), np.ones(1), np.ones(1, np.int64))
    assert average_precision([flat], [CAR], CLASSES)["mAP50"] == 0.0
    person = Detections(CAR.corners, np.ones(1), np.array([2]))
    assert average_precision([person], [CAR], CLASSES) == pytest.approx(
        {"mAP50": 0, "mAP50-95": 0, "AP50:car": 0, "AP50-95:car": 0}
        | {f"{k}:{name}": np.nan for k in ("AP50", "AP50-95") for name in ("background", "person")},
        nan_ok=True,
    )
