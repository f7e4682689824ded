"""Read the golden triples and values: grayscale as MATLAB makes it, so that only the metrics are compared."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

SYNTHETIC = Path(__file__).parent / "synthetic"

TANG = "Linfeng-Tang/Image-Fusion@dba5bf3 analysis_Reference.m (Octave)"
CDDFUSE = "Zhaozixiang1228/MMIF-CDDFuse@fd8da1f utils/Evaluator.py (inputs cast to float64)"
VIFB = "xingchenzhang/VIFB@22b2ea9 metrics/ (Octave)"


class Reference(NamedTuple):
    """A row of golden.csv that has the definition of a canonical metric; ``factor`` brings it to our unit."""

    metric: str
    row: str
    implementation: str
    factor: float = 1.0


REFERENCES = (
    *(Reference("EN", "EN", which) for which in (TANG, CDDFUSE, VIFB)),
    *(Reference("SD", "SD", which) for which in (TANG, CDDFUSE, VIFB)),
    *(Reference("SF", "SF", which) for which in (TANG, CDDFUSE)),
    *(Reference("AG", "AG", which) for which in (TANG, VIFB)),
    *(Reference("MI", "MI", which, 1 / math.log(2)) for which in (CDDFUSE, VIFB)),  # both in nats
    *(Reference("CC", "CC", which) for which in (TANG, CDDFUSE)),
    *(Reference("SCD", "SCD", which) for which in (TANG, CDDFUSE)),
    Reference("VIF", "VIF", TANG),
    Reference("VIF", "VIFF", f"{CDDFUSE} reported as VIF"),  # a misnomer there
    *(Reference("Qabf", "Qabf", which) for which in (TANG, CDDFUSE)),
    Reference("SSIM", "SSIM", VIFB),
)


def triples(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of triples.csv by name."""
    with (folder / "triples.csv").open(encoding="utf-8", newline="") as file:
        return {row["triple"]: row for row in csv.DictReader(file)}


def golden(folder: Path) -> dict[tuple[str, str, str], float]:
    """Return the golden values by triple, row and implementation."""
    with (folder / "golden.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return {(row["triple"], row["metric"], row["implementation"]): float(row["value"]) for row in rows}


def channels(folder: Path, triple: str) -> list[np.ndarray]:
    """Return a, b and fused as stored, uint8 [H, W] or [H, W, 3]."""
    return [np.asarray(Image.open(folder / "images" / f"{triple}_{which}.png")) for which in "ABF"]


def gray(image: np.ndarray) -> np.ndarray:
    """Return rgb2gray of a color image, uint8 [H, W]."""
    if image.ndim == 2:
        return image
    weights = (0.298936021293775, 0.587043074451121, 0.114020904255103)
    return np.floor(image.astype(np.float64) @ np.array(weights) + 0.5).astype(np.uint8)
