"""The canonical metrics on published fused images of real pairs, against recomputed textbook values."""

import csv

import numpy as np
import pytest
from golden_files import gray
from PIL import Image

from fusionbench.metrics import score

METRICS = ("EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIF", "Qabf")


def read(path) -> np.ndarray:
    return gray(np.asarray(Image.open(path)))


@pytest.mark.parametrize("method", ["DenseFuse", "SeAFusion"])
def test_published_images_score_as_recomputed(method, shared_golden, shared_data):
    folder = shared_golden / "published_tno"
    with (folder / "metrics_recomputed_per_image.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == method]
    assert len(rows) == 30
    for row in rows[::5]:
        name = f"{row['image']}.png"
        images = (shared_data / "TNO/ir" / name, shared_data / "TNO/vi" / name, folder / method / name)
        scores = score(*map(read, images), metrics=METRICS)
        for metric in METRICS:
            expected = float(row[metric])
            assert scores[metric].value == pytest.approx(expected, rel=1e-9), (name, metric)
