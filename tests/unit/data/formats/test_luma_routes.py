"""The routes to one channel: what they differ by, on images made for it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.data.formats.luma_routes import luma_routes, statistics

COLORS = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def routes(path: Path) -> dict[str, np.ndarray]:
    return {route.name: route.levels for route in luma_routes(path)}


def test_conversions_of_a_color_image_differ_by_a_level_at_most(tmp_path: Path) -> None:
    Image.fromarray(COLORS).save(tmp_path / "color.png")
    routes = luma_routes(tmp_path / "color.png")
    assert [route.users for route in routes] == [
        "fusionbench", "OpenCV", "CDDFuse's evaluator", "Pillow", "MATLAB, Octave",
    ]  # fmt: skip
    levels = [statistics(route, routes[0]) for route in routes]
    assert levels[0].largest == 0
    assert max(difference.largest for difference in levels) == 1
    assert 0 < levels[-1].different < 0.02  # 82,109 of all 16.7 million colors


def test_a_jpeg_stores_a_luma_of_its_own(tmp_path: Path) -> None:
    Image.fromarray(COLORS).save(tmp_path / "color.jpg", quality=60)
    routes = luma_routes(tmp_path / "color.jpg")
    assert routes[-1].name == "JPEG's stored Y"
    assert statistics(routes[-1], routes[0]).largest > 1


def test_ways_from_16_to_8_bits(tmp_path: Path) -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    routes = luma_routes(tmp_path / "deep.png")
    own, shifted, cut, signed = (statistics(route, routes[0]) for route in routes)
    assert (own.lowest, own.highest) == (0, 255)
    assert shifted.largest == 1
    assert shifted.different == pytest.approx(0.248, abs=0.001)
    assert cut.mean > 254
    assert signed.lowest == -32768


def test_a_gray_image_of_8_bits_has_one_route(tmp_path: Path) -> None:
    Image.fromarray(COLORS[..., 0]).save(tmp_path / "gray.png")
    assert list(routes(tmp_path / "gray.png")) == ["as stored"]
