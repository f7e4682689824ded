"""Small data sets on disk in the layout that a catalog entry describes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.registry import dataset
from fusionbench.data.spec import DatasetSpec

BuildTree = Callable[..., Path]


@pytest.fixture
def build_tree(tmp_path: Path) -> BuildTree:
    """Return a function that writes every split of a data set and returns the data root."""

    def build(
        spec: DatasetSpec, names: tuple[str, ...] = ("10", "2", "1"), size: tuple[int, int] = (12, 9)
    ) -> Path:
        rng = np.random.default_rng(0)
        for split in spec.splits.values():
            for name in names:
                for pattern, channels in ((split.a, ()), (split.b, (3,))):
                    save(
                        tmp_path / spec.folder / pattern.replace("*", f"{name}.png"), rng, (*size, *channels)
                    )
        return tmp_path

    return build


@pytest.fixture
def real_root(shared_data: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function from a data set's name and a split to the data root of its real copy, prepared where it needs to be."""

    def root(name: str, split: str = "test") -> Path:
        spec = dataset(name)
        if not (shared_data / spec.folder).is_dir():
            pytest.skip(f"no real copy of {spec.title} is here")
        if spec.prepare is None or (shared_data / spec.folder / spec.splits[split].a).parent.is_dir():
            return shared_data
        pytest.importorskip("rasterio")
        from fusionbench.data.prepare import prepare

        prepare(spec, shared_data, tmp_path)
        return tmp_path

    return root


def save(path: Path, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    """Write an 8-bit noise image of that shape."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
