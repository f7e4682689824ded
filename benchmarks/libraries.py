"""Compare libraries of image metrics with our definitions of what they compute, and write docs' table of them.

    pip install -e '.[peers]' && pip install --no-deps image-similarity-measures==0.3.6 phasepack==1.5
    python benchmarks/libraries.py --golden ../shared/golden

Each library is called as `fusionbench.metrics.libraries` says, for each source and the fused image of the golden triples.
What was found goes to benchmarks/libraries.json, from which calibration.py makes its table: nobody who builds the page
needs the libraries.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import math
import warnings
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from fusionbench.data.images import read_image
from fusionbench.files import write_text
from fusionbench.metrics import definitions, score_definitions, sources
from fusionbench.metrics.libraries import CALLS, VERSIONS, LibraryCall

ROOT = Path(__file__).resolve().parents[1]
SYNTHETIC = ROOT / "tests/golden/synthetic"
RESULTS = ROOT / "benchmarks/libraries.json"
MODULES = {
    "cv2": "cv2",
    "image_similarity_measures": "image_similarity_measures.quality_metrics",
    "kornia": "kornia",
    "monai": "monai.metrics",
    "numpy": "numpy",
    "piq": "piq",
    "piqa": "piqa",
    "pyiqa": "pyiqa",
    "pytorch_msssim": "pytorch_msssim",
    "sewar": "sewar",
    "skimage": "skimage.metrics",
    "torchmetrics": "torchmetrics.functional.image",
}
# no image of one level, where libraries return what they like, and none of levels 254 and 255, where float32 rounds
TRIPLES = {"synthetic": ("ir_vis_mean", "ir_vis_max", "odd_size_weighted"), "real": (
    "ivif_tno10_sdnet", "ivif_tno12_rfnnest", "ivif_tno37_u2fusion", "ivif_road_483x227_lap", "ivif_tno01_seafusion",
    "med_mri_ct_11_max", "sar_vsff_high_512_lap",
)}  # fmt: skip


class Comparison(NamedTuple):
    """What a library and our definition gave for one source and the fused image."""

    call: LibraryCall
    triple: str
    library: float
    ours: float | None

    @property
    def difference(self) -> float:
        """Return the relative difference, 0 where neither has a number."""
        if self.ours is None or not math.isfinite(self.library):
            return 0.0 if self.ours is None and not math.isfinite(self.library) else math.inf
        return abs(self.library - self.ours) / max(abs(self.ours), 1e-12)


def libraries_here() -> dict[str, str]:
    """Return the installed version of each library that is installed."""
    versions = {}
    for library in VERSIONS:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@cache
def names() -> dict[str, Any]:
    """Return what the text of a call may use."""
    namespace: dict[str, Any] = {"rgb": lambda image: image.expand(-1, 3, -1, -1)}
    for name, module in MODULES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # libraries warn of each other when they are imported
                importlib.import_module(module)
                if name == "skimage":
                    importlib.import_module("skimage.filters")
            namespace[name] = importlib.import_module(name)
        except ImportError:
            continue
    return namespace


def library_value(call: LibraryCall, source: np.ndarray, fused: np.ndarray) -> float:
    """Return what a library gives for two gray images, uint8 [H, W]."""
    tensors = {
        name: torch.from_numpy(image.copy())[None, None].float() / 255
        for name, image in (("x", fused), ("y", source))
    }
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(eval(call.call, {**names(), **tensors, "source": source, "fused": fused}))


def our_value(call: LibraryCall, source: np.ndarray, fused: np.ndarray) -> float | None:
    """Return what our definition gives for one source and the fused image."""
    definition = definitions(call.metric)[call.definition]
    (score,) = score_definitions(sources(source, source), fused, [definition])
    return score.value if score.value is None or definition.combined != "sum" else score.value / 2


def compare(folder: Path, triples: tuple[str, ...]) -> Iterator[Comparison]:
    """Yield the comparison of every call of an installed library on both pairs of every triple of a golden folder."""
    here = libraries_here()
    for triple in triples:
        a, b, fused = (read_image(folder / "images" / f"{triple}_{which}.png") for which in "ABF")
        for call in (call for call in CALLS if call.library in here):
            for source in (a, b):
                ours = our_value(call, source, fused)
                if (
                    ours is not None or call.metric != "MS-SSIM"
                ):  # too small for five scales: the libraries refuse
                    yield Comparison(call, triple, library_value(call, source, fused), ours)


def summary(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return for each call how far the library is from our definition at most."""
    rows = []
    for call in dict.fromkeys(comparison.call for comparison in comparisons):
        own = [comparison for comparison in comparisons if comparison.call == call]
        rows.append({**call._asdict(), "pairs": len(own), "difference": max(pair.difference for pair in own)})
    return rows


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golden", type=Path, help="the folder with real/; without it nothing is written")
    given = parser.parse_args()
    comparisons = list(compare(SYNTHETIC, TRIPLES["synthetic"]))
    if given.golden is not None:
        comparisons += compare(given.golden / "real", TRIPLES["real"])
    rows = summary(comparisons)
    for row in rows:
        print(
            f"{row['library']:26} {row['metric']:14} {row['definition']:30} {row['pairs']:3} {row['difference']:.1e}"
        )
    if given.golden is not None:
        result = {"date": date.today().isoformat(), "versions": libraries_here(), "calls": rows}
        write_text(RESULTS, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
