"""Print how near test pairs are to training pairs: frames of one video and slices of one brain are no copies, but alike.

python benchmarks/nearest.py --train msrs,benchmarks/training/roadscene-train.yaml --test roadscene --data-root DIR

Both sources are reduced to 32x32 pixels (area mean, colours averaged, whatever their shape); the correlation of a test image with
its nearest training image is 1 for a copy that was only brightened. Independent scenes of the sets here reach 0.5 to 0.8.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import numpy as np
from PIL import Image

from fusionbench.data.images import load_pair
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.data.training_data import find_training_data
from fusionbench.types import Pair

SIDE = 32
ALIKE = 0.9


def directions(pairs: Iterable[Pair]) -> dict[str, np.ndarray]:
    """Return for each source the reduced images without their mean, of length 1, [pairs, SIDE * SIDE]."""
    rows: dict[str, list[np.ndarray]] = {"a": [], "b": []}
    for pair in pairs:
        images = load_pair(pair)
        for source, image in (("a", images.a), ("b", images.b)):
            gray = image if image.ndim == 2 else image.mean(axis=2)
            small = np.asarray(Image.fromarray(gray).resize((SIDE, SIDE), Image.Resampling.BOX)).ravel()
            centered = small - small.mean()
            rows[source].append(centered / max(float(np.linalg.norm(centered)), 1e-12))
    return {source: np.stack(images) for source, images in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", required=True, help="data sets whose train splits are compared")
    parser.add_argument("--test", required=True, help="data sets whose test splits are looked up")
    parser.add_argument("--data-root")
    asked = parser.parse_args()
    data = find_training_data(asked.train, root=asked.data_root)
    names = [f"{part.spec.title} {pair.id}" for part, pair in data.members]
    known = directions(pair for _, pair in data.members)
    for name in asked.test.split(","):
        split = find_split(dataset(name), "test", asked.data_root)
        for source, images in directions(split.pairs).items():
            alike = images @ known[source].T
            best = alike.max(axis=1)
            first = int(best.argmax())
            print(
                f"{split.spec.title}, {getattr(split.spec, source)}: median {np.median(best):.2f}, "
                f"{int((best > ALIKE).sum())} of {len(best)} above {ALIKE}; nearest {split.ids[first]} and "
                f"{names[int(alike[first].argmax())]}, {best[first]:.3f}"
            )


if __name__ == "__main__":
    main()
