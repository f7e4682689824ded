"""Situations that people of the field reported: the right number, or one sentence that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import in_process as fusionbench
from PIL import Image

RANDOM = np.random.default_rng(3)
GREY = RANDOM.integers(0, 256, (24, 32), dtype=np.uint8)
COLOR = RANDOM.integers(0, 256, (24, 32, 3), dtype=np.uint8)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    save(tmp_path / "ir" / "1.png", GREY)
    save(tmp_path / "vi" / "1.png", COLOR)
    save(tmp_path / "fused" / "1.png", COLOR // 2 + GREY[..., None] // 2)
    return tmp_path


def means(work: Path, a: str, b: str) -> dict[str, float]:
    done = fusionbench(
        "score", "--a", a, "--b", b, "--fused", "fused", "--metrics", "MI,CC", "--json", cwd=work
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["means"]


def test_separate_planes_and_white_is_zero_give_the_numbers_of_the_plain_file(work: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    (work / "planes").mkdir(), (work / "negative").mkdir()
    deep = COLOR.astype(np.uint16) * 257
    tifffile.imwrite(
        work / "planes" / "1.tif", np.moveaxis(deep, -1, 0), photometric="rgb", planarconfig="separate"
    )
    tifffile.imwrite(
        work / "negative" / "1.tif", 65535 - GREY.astype(np.uint16) * 257, photometric="miniswhite"
    )
    plain = means(work, "ir", "vi")
    assert means(work, "ir", "planes") == means(work, "negative", "vi") == plain


@pytest.mark.parametrize("bands", [2, 3, 4, 5, 13])
def test_bands_are_counted(work: Path, bands: int) -> None:
    tifffile = pytest.importorskip("tifffile")
    (work / "bands").mkdir()
    stored = np.stack([GREY] * bands)
    options = {"photometric": "minisblack", "planarconfig": "separate", "compression": "zlib"}
    tifffile.imwrite(work / "bands" / "1.tif", stored, metadata=None, **options)
    done = fusionbench("score", "--a", "ir", "--b", "bands", "--fused", "fused", "--metrics", "EN", cwd=work)
    assert done.returncode == 1
    assert f"has {bands} bands" in done.stderr


def test_counts_in_16_bits_are_told(work: Path) -> None:
    save(work / "counts" / "1.png", GREY.astype(np.uint16) + 21500)
    done = fusionbench("score", "--a", "counts", "--b", "vi", "--fused", "fused", "--metrics", "EN", cwd=work)
    assert done.returncode == 0
    assert "of 65535 (raw counts?)" in done.stderr


def test_names_with_one_addition_pair_and_one_folder_is_refused(work: Path) -> None:
    for number in ("1", "2"):
        save(work / "IR" / f"IR{number}.png", GREY)
        save(work / "VIS" / f"VIS{number}.png", COLOR)
    assert fusionbench("fuse", "IR", "VIS", "-m", "average", "-o", "out", cwd=work).returncode == 0
    assert sorted(path.name for path in (work / "out").iterdir()) == ["1.png", "2.png"]
    same = fusionbench("fuse", "IR", "IR", "-m", "average", "-o", "out", cwd=work)
    assert same.returncode == 2
    assert "are one folder" in same.stderr


def test_images_one_level_down_are_found_in_words(work: Path) -> None:
    save(work / "deep" / "day" / "1.png", GREY)
    done = fusionbench("fuse", "deep", "vi", "-m", "average", "-o", "out", cwd=work)
    assert done.returncode == 2
    assert "there are some in 'deep/day'" in done.stderr


def test_m3fd_with_its_own_folders_is_verified(work: Path) -> None:
    save(work / "M3FD" / "Ir" / "00001.png", GREY)
    save(work / "M3FD" / "Vis" / "00001.png", COLOR)
    assert fusionbench("data", "verify", "m3fd", "--data-root", ".", cwd=work).returncode == 0
