"""Values per image that were published with the images, and how far ours are from them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from calibrated.claims import DOUBLE, SINGLE
from calibrated.findings import relative_difference

from fusionbench.data.images import read_image
from fusionbench.metrics import score


class Published(NamedTuple):
    """A column of published per-image values and the profile that gives it."""

    file: str
    profile: str
    metrics: dict[str, float]  # asked relative difference


SHEETS = (
    Published(
        "published_tno/metrics_published_per_image.csv",
        "tang2022",
        {
            **dict.fromkeys(("EN", "MSE", "PSNR", "SF", "AG", "CC", "SCD"), DOUBLE),
            **dict.fromkeys(("MI", "SD", "VIF"), 1e-6),
            "Qabf": 0.035,  # 0.02 absolute: on [0, 1] MATLAB's rounding differs from Octave's
        },
    ),
    Published(
        "anchors/refinefuse_convention_tno42_per_image.csv",
        "refinefuse",
        {**dict.fromkeys(("EN", "SF", "AG", "SCD", "Qabf"), DOUBLE), "VIF": 1e-7, "SSIM": SINGLE},
    ),
)


def compare_sheet(sheet: Published, golden: Path, data: Path, every: int = 1) -> dict[str, list[float]]:
    """Return the relative differences to a sheet by metric, on the published images that lie in ``golden``."""
    with (golden / sheet.file).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    differences: dict[str, list[float]] = {metric: [] for metric in sheet.metrics}
    for row in rows:
        method, name = row.get("method") or row["algorithm"], Path(row["image"]).stem + ".png"
        fused = golden / "published_tno" / method / name
        if not fused.is_file() or int(Path(name).stem) % every:
            continue
        images = (read_image(data / "TNO/ir" / name), read_image(data / "TNO/vi" / name), read_image(fused))
        for metric, ours in score(*images, metrics=list(sheet.metrics), profile=sheet.profile).items():
            differences[metric].append(relative_difference(ours.value, float(row[metric])))
    return differences
