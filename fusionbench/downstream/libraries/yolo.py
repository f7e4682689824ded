"""Detection by ultralytics (AGPL-3.0, the extra ``yolo``), imported only here, and kept from using the network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from filelock import FileLock

from fusionbench.cells.progress import Reporter
from fusionbench.data.images import write_image
from fusionbench.data.labels import read_boxes
from fusionbench.downstream.modules import Detections
from fusionbench.downstream.samples import read_rgb
from fusionbench.downstream.training import ABOUT
from fusionbench.downstream.units import Unit
from fusionbench.files import write_json, write_text
from fusionbench.provenance import package_version, provenance

NETWORK = "network.pt"  # written and read by ultralytics only
MOST = 300  # detections per image


def trained_yolo(unit: Unit, reporter: Reporter) -> Callable[[np.ndarray], Detections]:
    """Return a function that finds objects in an image uint8 [H, W, 3]; its network is trained if it is not stored yet."""
    place = unit.network_place.resolve()
    place.mkdir(parents=True, exist_ok=True)
    _stay_offline(place / "settings")
    from ultralytics import YOLO

    with FileLock(place / ".lock"):
        if not (place / ABOUT).is_file():
            _train(unit, place, reporter)
    network = YOLO(place / NETWORK)

    def predict(image: np.ndarray) -> Detections:
        recipe = unit.network.recipe
        boxes = network.predict(
            np.ascontiguousarray(image[..., ::-1]), imgsz=max(recipe.height, recipe.width), conf=recipe.min_score,
            max_det=MOST, device=_device(unit), verbose=False, save=False,
        )[0].boxes  # fmt: skip
        return Detections(
            *(part.cpu().numpy().astype(np.float64) for part in (boxes.xyxy, boxes.conf, boxes.cls))
        )

    return predict


def _train(unit: Unit, place: Path, reporter: Reporter) -> None:
    from ultralytics import YOLO

    recipe, last = unit.network.recipe, place / "ultralytics" / "weights" / "last.pt"
    with _written_data(unit, place / "data") as document:
        resumed = last.is_file()
        network = YOLO(last if resumed else f"{recipe.network}.yaml")
        label = f"{unit.label} · train, epoch {{}} of {recipe.epochs}"
        network.add_callback(
            "on_train_epoch_start",
            lambda trainer: reporter.start(label.format(trainer.epoch + 1), len(unit.train)),
        )
        network.add_callback("on_train_batch_end", lambda _: _advance(reporter, recipe.batch_size))
        network.add_callback("on_train_epoch_end", lambda _: reporter.stop())
        # names of runs have no effect; plots, GPU checks and validation would only take time
        options: dict[str, Any] = {"resume": True} if resumed else {}
        network.train(
            data=str(document), epochs=recipe.epochs, imgsz=max(recipe.height, recipe.width), batch=recipe.batch_size,
            seed=unit.seed, device=_device(unit), workers=recipe.workers, optimizer=recipe.optimizer.name.upper(),
            lr0=recipe.optimizer.lr, momentum=recipe.optimizer.momentum, weight_decay=recipe.optimizer.weight_decay,
            fliplr=0.5 if recipe.flip else 0.0, pretrained=False, deterministic=True, amp=False, val=False, plots=False,
            patience=0, project=str(place), name="ultralytics", exist_ok=True, verbose=False, **options,
        )  # fmt: skip
    os.replace(last, place / NETWORK)
    shutil.rmtree(place / "ultralytics")
    facts = provenance(unit.device, unit.seed) | {"ultralytics": package_version("ultralytics")}
    write_json(
        place / ABOUT,
        {"identity": unit.training, "title": unit.network.title, "licence": "AGPL-3.0", "provenance": facts},
    )


def _advance(reporter: Reporter, images: int) -> None:
    for _ in range(images):
        reporter.advance()


@contextmanager
def _written_data(unit: Unit, folder: Path) -> Iterator[Path]:
    """Write the training images in the layout of ultralytics, yield its data file, and delete all after the block."""
    spec = unit.division.spec
    shutil.rmtree(folder, ignore_errors=True)
    for pair in unit.division.train:
        assert pair.boxes is not None
        assert spec.boxes is not None
        image = read_rgb(unit.train[pair.id])
        boxes = read_boxes(pair.boxes, spec.boxes, image.shape[:2], spec.labels)
        write_image(folder / "images" / "train" / f"{pair.id}.png", image)
        scale = np.array([image.shape[1], image.shape[0]] * 2)
        middle = np.hstack(
            [(boxes.corners[:, :2] + boxes.corners[:, 2:]) / 2, boxes.corners[:, 2:] - boxes.corners[:, :2]]
        )
        lines = [
            " ".join([str(number), *(f"{value:.8f}" for value in row)])
            for number, row in zip(boxes.numbers, middle / scale, strict=True)
        ]
        write_text(folder / "labels" / "train" / f"{pair.id}.txt", "\n".join(lines))
    document = {
        "path": str(folder),
        "train": "images/train",
        "val": "images/train",
        "names": dict(enumerate(unit.classes)),
    }
    write_text(folder / "data.yaml", yaml.safe_dump(document))
    try:
        yield folder / "data.yaml"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _device(unit: Unit) -> str:
    """Return the device in the notation of ultralytics: cpu, or the number of a GPU."""
    kind, _, index = unit.device.partition(":")
    return kind if kind == "cpu" else index or "0"


def _stay_offline(settings: Path) -> None:
    """Switch off the installs, telemetry and downloads of ultralytics, which reads these variables at its import.

    It downloads the font Arial before each training, whether used or not, unless its settings folder has such a file.
    """
    from matplotlib import get_data_path

    folder = settings / "Ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    font = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        shutil.copyfile(font, folder / name)
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(settings)}
