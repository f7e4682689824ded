"""Compiled metrics against those in torch, on textures and on what rounding could decide; images that free themselves."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from fusionbench.data.demo.canvas import fractal, to_uint8
from fusionbench.metrics import cards, compiled, score
from fusionbench.metrics.image_cache import Image
from fusionbench.metrics.profiles import profiles

NAMES = [name for name, card in cards().items() if card.per == "image" and not card.weights]
pytestmark = pytest.mark.skipif(not compiled.installed(), reason="numba is not installed")


def textures(height: int, width: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(3)
    a, b = (to_uint8(0.5 + 0.3 * fractal(random, (height, width), coarsest)) for coarsest in (24, 16))
    return a, b, ((a.astype(int) + b + 1) // 2).astype(np.uint8)


def patches() -> tuple[np.ndarray, ...]:
    """Return sources with flat, black and saturated areas, equal ones among them, and their maximum."""
    a, b, _ = textures(170, 183)
    a[:60], b[40:90, 20:120], a[100:, :50] = 0, 255, b[100:, :50]
    b[130:, 90:] = 77
    return a, b, np.maximum(a, b)


def levels() -> tuple[np.ndarray, ...]:
    """Return images of two levels, whose edges and windows are equal more often than not."""
    random = np.random.default_rng(4)
    a, b = (random.integers(0, 2, (165, 165), dtype=np.uint8) * 255 for _ in range(2))
    return a, b, a.copy()


@pytest.mark.parametrize(
    "make", [lambda: textures(161, 170), patches, levels], ids=["texture", "patches", "levels"]
)
@pytest.mark.parametrize("profile", ["canonical", "vifb"])
def test_compiled_metrics_are_those_of_torch(
    make: Callable[[], tuple[np.ndarray, ...]], profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, names = make(), [name for name in NAMES if name in profiles()[profile].metrics]
    scores = score(*images, names, profile)
    monkeypatch.setattr(compiled, "installed", lambda: False)
    for name, expected in score(*images, names, profile).items():
        assert scores[name].status == expected.status, name
        if expected.value is not None:
            assert scores[name].value == pytest.approx(expected.value, rel=1e-10, abs=1e-12), name


EXACT = ("EN", "SD", "SF", "MI", "CC", "NMI")


@pytest.mark.parametrize("make", [lambda: textures(161, 170), patches, levels])
def test_metrics_of_exact_counts_are_the_same_bits_without_numba(
    make: Callable[[], tuple[np.ndarray, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = make()
    counted = score(*images, EXACT)
    monkeypatch.setattr(compiled, "loaded", lambda image: False)
    assert score(*images, EXACT) == counted


def test_metrics_of_exact_counts_import_no_numba() -> None:
    code = f"""
import sys
import numpy as np
from fusionbench.metrics import score
images = np.random.default_rng(0).integers(0, 256, (3, 40, 50), dtype=np.uint8)
assert all(one.status == "ok" for one in score(*images, {EXACT}).values())
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_smallest_images_of_each_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        side = cards()[name].smallest
        images = [image[:side, : side + 1] for image in textures(side + 8, side + 9)]
        with monkeypatch.context() as patch:
            result = score(*images, [name])[name]
            patch.setattr(compiled, "installed", lambda: False)
            expected = score(*images, [name])[name]
        assert result.status == expected.status, name
        if expected.value is not None:
            assert result.value == pytest.approx(expected.value, rel=1e-10, abs=1e-12), name


def test_images_are_freed_without_the_collector_of_cycles() -> None:
    images = textures(161, 170)
    score(*images, NAMES)
    gc.collect()
    gc.disable()
    try:
        score(*images, NAMES)
        alive = [object_ for object_ in gc.get_objects() if type(object_) is Image]
    finally:
        gc.enable()
    assert alive == []


@pytest.mark.parametrize("taps", [*range(1, 20)])
def test_rows_added_together_round_as_one_pass_after_the_other(taps: int) -> None:
    from fusionbench.metrics.compiled import rows  # numba

    random = np.random.default_rng(taps)
    weights, image = random.random(taps), random.random((taps, 64))
    together, alone = np.empty(64 - taps + 1), np.zeros((2, 64))
    rows.mean_row(together, np.empty(64), image, 0, weights)
    across = alone[1, : 64 - taps + 1]
    fours = taps // 4 * 4
    for k in range(0, fours, 4):
        rows.add_four(alone[0], weights[k : k + 4], *image[k : k + 4])
    for k in range(fours, taps):
        rows.add_one(alone[0], weights[k], image[k])
    shifted = [alone[0, k : k + len(across)] for k in range(taps)]
    for k in range(0, fours, 4):
        rows.add_four(across, weights[k : k + 4], *shifted[k : k + 4])
    for k in range(fours, taps):
        rows.add_one(across, weights[k], shifted[k])
    assert together.tobytes() == across.tobytes()
