"""The ``demo`` data sets: generated scenes of all three families, to try everything without a download.

Every image is determined by (data set, split, number) and GENERATOR_VERSION, independently of other images.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from fusionbench.data.demo.brain import brain_pair
from fusionbench.data.demo.canvas import Scene
from fusionbench.data.demo.street import street_pair
from fusionbench.data.demo.terrain import terrain_pair
from fusionbench.errors import OutputError

# to be raised whenever a pixel changes, so that cached images of older versions are not used
GENERATOR_VERSION = 1

Generator = Callable[[np.random.Generator, int, int], Scene]
GENERATORS: dict[str, Generator] = {
    "demo": street_pair,
    "demo-medical": brain_pair,
    "demo-sar-opt": terrain_pair,
}
COUNTS = {
    "demo": {"test": 8, "train": 32},
    "demo-medical": {"test": 6, "train": 16},
    "demo-sar-opt": {"test": 6, "train": 16},
}


def ensure(name: str, split: str) -> Path:
    """Return the folder of a demo data set, generating the split on first use.

    It is below FUSIONBENCH_CACHE or the user's cache folder. Raises OutputError if that cannot be written.
    """
    cache = Path(os.environ.get("FUSIONBENCH_CACHE") or user_cache_dir("fusionbench"))
    folder = cache / "demo" / f"v{GENERATOR_VERSION}" / name
    if not (folder / split).is_dir():
        try:
            _generate(name, split, folder)
        except OSError as error:
            raise OutputError(
                f"Cannot write the demo images to {folder}: {error.strerror}; set FUSIONBENCH_CACHE to a folder that can be written."
            ) from error
    return folder


def _generate(name: str, split: str, folder: Path) -> None:
    """Generate a split in a temporary folder, then rename it.

    No process sees an incomplete split, and if two generate it at once, the second rename fails and is ignored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{split}.", dir=folder))
    try:
        # mkdtemp makes folders for the user alone, and the cache may be shared
        partial.chmod(0o755)
        for number in range(COUNTS[name][split]):
            scene(name, split, number).save(partial, f"{number:03d}")
        os.replace(partial, folder / split)
    except OSError:
        if not (folder / split).is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def scene(name: str, split: str, number: int) -> Scene:
    """Return one scene, generated in memory."""
    # CRC-32, because Python's own hash of a text differs from process to process
    rng = np.random.default_rng([GENERATOR_VERSION, zlib.crc32(f"{name}/{split}".encode()), number])
    height, width = size(name, split, number)
    return GENERATORS[name](rng, height, width)


def size(name: str, split: str, number: int) -> tuple[int, int]:
    """Return (height, width) of a scene; some street scenes of the test split have odd sides, as real data have."""
    if name != "demo":
        return 256, 256
    odd = {2: (239, 317), 5: (241, 319)} if split == "test" else {}
    return odd.get(number, (240, 320))
