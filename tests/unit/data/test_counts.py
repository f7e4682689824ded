"""16-bit images that use a small part of their range are told, with the range and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.checking.verify import verify
from fusionbench.data.raw_counts import CountWatch, sampled_warnings
from fusionbench.data.registry import dataset
from fusionbench.types import Pair


def image(low: int, high: int, kind: type = np.uint16) -> np.ndarray:
    return np.linspace(low, high, 24 * 32).reshape(24, 32).astype(kind)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    ("low", "high", "remedy"),
    [
        (0, 152, r"span 0..152 of 65535 \(raw counts\?\).*save them as 8-bit images"),
        (0, 4095, r"span 0..4095 of 65535.*map 0..4095 to 0..65535"),
        (0, 16383, r"span 0..16383 of 65535.*map 0..16383 to 0..65535"),
        (21500, 23000, r"span 21500..23000 of 65535.*map 21500..23000 to 0..65535"),
    ],
)
def test_counts_are_told_with_their_range(low: int, high: int, remedy: str) -> None:
    watch = CountWatch()
    watch.look(Path("ir/1.png"), image(low, high))
    (sentence,) = watch.warnings()
    assert sentence.startswith("'ir/1.png': 16 bits")
    assert re.search(remedy, sentence)


@pytest.mark.parametrize(
    "pixels", [image(0, 65535), image(9000, 40000), image(0, 100, np.uint8), image(7, 7, np.uint8)]
)
def test_images_that_use_their_range_and_8_bits_are_no_counts(pixels: np.ndarray) -> None:
    watch = CountWatch()
    watch.look(Path("ir/1.png"), pixels)
    assert watch.warnings() == []


def test_one_sentence_a_folder_names_the_range_of_all() -> None:
    watch = CountWatch()
    for number, high in enumerate((100, 4000, 300, 65535)):
        watch.look(Path(f"ir/{number}.png"), image(50, high))
    watch.look(Path("vi/0.png"), image(0, 65535))
    (sentence,) = watch.warnings()
    assert "3 of 4 images checked in 'ir' are like this, 50..4000 in all" in sentence


def test_a_sample_is_taken_evenly_and_damage_is_left_to_others(tmp_path: Path) -> None:
    pairs = [
        Pair(
            str(i),
            save(tmp_path / f"a/{i}.png", image(0, 255)),
            save(tmp_path / f"b/{i}.png", image(0, 65535)),
        )
        for i in range(20)
    ]
    pairs[0].b.write_bytes(b"no image")
    (sentence,) = sampled_warnings(pairs)
    assert "7 of 7 images checked" in sentence


def test_verify_warns_of_every_folder(tmp_path: Path) -> None:
    for name in ("1", "2"):
        save(tmp_path / f"M3FD/ir/{name}.png", image(0, 4095))
        save(tmp_path / f"M3FD/vi/{name}.png", image(0, 65535))
    warnings = [problem for problem in verify(dataset("m3fd"), tmp_path) if "raw counts" in problem.message]
    assert [problem.level for problem in warnings] == ["warning"]
    assert "span 0..4095" in warnings[0].message
