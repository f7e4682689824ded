"""Small made-up runs for the tests of the page: records, score rows and, where asked for, image files."""

import numpy as np
from PIL import Image

from fusionbench.report.groups import make_groups

IDS = ("p1", "p2", "p3", "p4", "p5", "p6")


def record(
    method="alpha", *, title=None, kind="learned", ids=IDS, name="sample", family="ir-vis", path=None, **rest
):
    """One run.json; ``rest`` replaces entries of the document."""
    document = {
        "id": f"run-{method}",
        "identity": {"method": {"name": method}, "data": "d" * 64, "seed": 0, "arguments": {}},
        "dataset": {
            "name": name, "title": name.upper(), "family": family, "split": "test", "a": "infrared",
            "b": "visible", "pairs": len(ids), "expected": len(ids), "limit": None, "split_hash": "5" * 63 + "-",
            "ids": list(ids),
        },
        "method": {"name": method, "title": title or method.title(), "kind": kind, "color": "luma", "doi": None},
        "weights": {"source": "none", "sha256": None, "file": None, "note": ""},
        "status": "ok", "detail": "", "images": {},
        "provenance": {"fusionbench": "0.1.0", "versions": {"torch": "2.15.0"}, "device": "cpu", "finished": None},
    }  # fmt: skip
    return document | ({"path": str(path)} if path else {}) | rest


def rows(run, values, profile="canonical"):
    """Score rows: ``values`` maps a metric to a number or (status, detail) for each image."""
    data, lines = run["dataset"], []
    for metric, given in values.items():
        for image, value in zip(data["ids"], given, strict=True):
            status, detail = value if isinstance(value, tuple) else ("ok", "")
            number = None if isinstance(value, tuple) else float(value)
            lines.append(
                (data["name"], data["split"], run["id"], profile, metric, 1, image, status, number, detail)
            )
    return lines


def group_of(*scored):
    """The one group of pairs (record, values by metric)."""
    (group,) = make_groups(
        [run for run, _ in scored], [row for run, values in scored for row in rows(run, values)]
    )
    return group


def write_images(folder, ids=IDS, size=(48, 36), seed=0):
    """Noise images, so that their size in bytes does not depend on chance."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    for image in ids:
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{image}.png")
