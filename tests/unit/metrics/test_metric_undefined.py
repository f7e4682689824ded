"""Where a metric has no value: a reason, never a number."""

import numpy as np
import pytest
from metric_samples import texture

from fusionbench.metrics import DEFAULT, score

A, B, FUSED = (texture(seed, kind="smooth") for seed in range(3))
FLAT = np.full_like(A, 90)
BLACK = np.zeros_like(A)
DARK = (A // 2 + 20).astype(np.uint8)


def undefined(a, b, fused) -> dict[str, str]:
    found = score(a, b, fused)
    assert list(found) == list(DEFAULT)
    for one in found.values():
        assert (one.value is None) == (one.status == "undefined") == bool(one.detail)
        assert one.value is None or (isinstance(one.value, float) and np.isfinite(one.value))
    return {name: one.detail for name, one in found.items() if one.value is None}


def test_textured_images_have_every_value():
    assert undefined(A, B, FUSED) == {}


@pytest.mark.parametrize("flat", [FLAT, BLACK, np.full_like(A, 255)])
def test_a_constant_fused_image_has_no_correlation(flat):
    assert undefined(A, B, flat) == {"CC": "the fused image is constant"}


@pytest.mark.parametrize("flat", [FLAT, BLACK, np.full_like(A, 255)])
def test_a_constant_source_has_no_correlation_and_no_information(flat):
    for which, images in (("a", (flat, B, FUSED)), ("b", (A, flat, FUSED))):
        assert undefined(*images) == dict.fromkeys(("CC", "SCD", "VIF"), f"source {which} is constant")


@pytest.mark.parametrize("flat", [FLAT, BLACK])
def test_constant_sources_have_no_edges(flat):
    reasons = undefined(flat, flat, FUSED)
    assert reasons.pop("Qabf") == "both sources are constant"
    assert set(reasons) == {"CC", "SCD", "VIF"}


@pytest.mark.parametrize("shift", [0, 30])
def test_a_fused_image_that_is_a_source_has_no_difference(shift):
    copy = (DARK + shift).astype(np.uint8)
    assert undefined(DARK, B, copy) == {"SCD": "the fused image equals source a up to a constant"}
    assert undefined(A, DARK, copy) == {"SCD": "the fused image equals source b up to a constant"}


def test_one_pixel_has_entropy_deviation_and_information_only():
    pixel = np.array([[200]], dtype=np.uint8)
    reasons = undefined(pixel, pixel, pixel)
    assert reasons == {
        "SF": "the image is smaller than 2x2 pixels",
        "AG": "the image is smaller than 2x2 pixels",
        "CC": "the fused image is constant",
        "SCD": "source a is constant",
        "VIF": "the image is smaller than 41x41 pixels",
        "Qabf": "the image is smaller than 3x3 pixels",
        "SSIM": "the image is smaller than 11x11 pixels",
    }
    found = score(pixel, pixel, pixel, "EN,SD,MI")
    assert [one.value for one in found.values()] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("metric", "side"), [("SF", 2), ("AG", 2), ("Qabf", 3), ("SSIM", 11), ("VIF", 41)])
def test_the_smallest_size_is_the_smallest_that_works(metric, side):
    fits = [texture(seed, side, side) for seed in range(3)]
    assert score(*fits, metric)[metric].status == "ok"
    for cut in (np.s_[:-1], np.s_[:, :-1]):
        found = score(*(image[cut] for image in fits), metric)[metric]
        assert found == (None, "undefined", f"the image is smaller than {side}x{side} pixels")
