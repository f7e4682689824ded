"""That networks learn what they are shown: weights of classes, and images learned by heart."""

import csv
import math
from pathlib import Path

import pytest
import torch

pytest.importorskip("segmentation_models_pytorch", reason="downstream tasks need the extra downstream")
pytest.importorskip("faster_coco_eval", reason="downstream tasks need the extra downstream")

from fusionbench.cells.progress import Reporter
from fusionbench.data.labels import read_boxes
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.downstream.balance import enet_weights
from fusionbench.downstream.libraries.coco import average_precision
from fusionbench.downstream.modules import Detections
from fusionbench.downstream.run import DownstreamOptions, plan_downstream
from fusionbench.downstream.samples import Source, read_rgb
from fusionbench.downstream.training import trained_network
from fusionbench.runs.run import run


def test_rare_classes_weigh_more_by_the_formula_of_enet(scenes) -> None:
    msrs = dataset("msrs")
    pairs = find_split(msrs, "test", scenes().data).pairs
    weights = enet_weights(Source(pairs, msrs, {pair.id: pair.b for pair in pairs}), 9)
    share = 24 * 24 / 64**2  # of each scene is a car
    assert weights.dtype == torch.float32
    assert weights[:3].tolist() == pytest.approx(
        [1 / math.log(1.02 + part) for part in (1 - share, share, 0)], rel=1e-6
    )


def learned_by_heart(data: Path, runs: Path, network: str, *recipe: str) -> float:
    """Train a detector and return its mAP50 on the very images that it was trained on."""
    asked = DownstreamOptions(
        task="detect", dataset="msrs", runs=(runs,), method=("visible",), network=network, device="cpu",
        data_root=str(data), overrides=recipe,
    )  # fmt: skip
    (unit,) = plan_downstream(asked).units
    network = trained_network(unit, Reporter())
    found: list[Detections] = []
    annotated = []
    for pair in unit.division.train:
        image = read_rgb(unit.train[pair.id])
        found.append(network.predict(image))
        annotated.append(read_boxes(pair.boxes, unit.division.spec.boxes, image.shape[:2]))
    assert sum(len(boxes.numbers) for boxes in annotated) > 2
    return average_precision(found, annotated, unit.classes)["mAP50"]


def test_a_detector_learns_four_scenes_by_heart(scenes) -> None:
    """Statistics of batches that lag behind would let it find nothing, however small its loss."""
    here = scenes()
    recipe = ("epochs=80", "height=96", "width=96")
    assert learned_by_heart(here.data, here.runs, "fcos@cpu", *recipe) > 0.9


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_detector_learns_four_real_images_by_heart(shared_data: Path, tmp_path: Path) -> None:
    """Boxes that were wrongly read, scaled or mirrored would keep the network from meeting them."""
    base = tmp_path / "data" / "MSRS"
    labels = "test/detection_labels/fusion"
    with (shared_data / "MSRS" / "split.csv").open(newline="") as stream:
        names = [row["name"] for row in csv.DictReader(stream) if row["role"] == "downstream-train"]
    crowded = sorted(
        names, key=lambda n: -len((shared_data / "MSRS" / labels / f"{n}.txt").read_text().splitlines())
    )[:5]
    for folder, suffix in (("test/ir", "png"), ("test/vi", "png"), (labels, "txt")):
        (base / folder).mkdir(parents=True)
        for name in crowded:
            file = f"{name}.{suffix}"
            (base / folder / file).write_bytes((shared_data / "MSRS" / folder / file).read_bytes())
    roles = [f"{name},{'test' if i == 4 else 'train'}" for i, name in enumerate(crowded)]
    (base / "split.csv").write_text("\n".join(["name,role", *roles]))
    run(
        "visible",
        "msrs",
        out=tmp_path / "runs",
        metrics="EN",
        baselines=False,
        device="cpu",
        data_root=str(tmp_path / "data"),
    )
    assert learned_by_heart(tmp_path / "data", tmp_path / "runs", "fcos@cpu", "epochs=200") > 0.7
