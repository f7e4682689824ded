"""Where a metric has no value: a reason, never a number."""

import numpy as np
import pytest
from metric_samples import texture

from fusionbench.metrics import DEFAULT, definition_of, profiles, score

A, B, FUSED = (texture(seed, kind="smooth") for seed in range(3))
FLAT = np.full_like(A, 90)
BLACK = np.zeros_like(A)
DARK = (A // 2 + 20).astype(np.uint8)


def undefined(a, b, fused) -> dict[str, str]:
    scores = score(a, b, fused)
    assert list(scores) == list(DEFAULT)
    for result in scores.values():
        assert (result.value is None) == (result.status == "undefined") == bool(result.detail)
        assert result.value is None or (isinstance(result.value, float) and np.isfinite(result.value))
    return {name: result.detail for name, result in scores.items() if result.value is None}


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
    scores = score(pixel, pixel, pixel, "EN,SD,MI")
    assert [result.value for result in scores.values()] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("metric", "side"), [("SF", 2), ("AG", 2), ("Qabf", 3), ("SSIM", 11), ("VIF", 41)])
def test_the_smallest_size_is_the_smallest_that_works(metric, side):
    fits = [texture(seed, side, side) for seed in range(3)]
    assert score(*fits, metric)[metric].status == "ok"
    for cut in (np.s_[:-1], np.s_[:, :-1]):
        result = score(*(image[cut] for image in fits), metric)[metric]
        assert result == (None, "undefined", f"the image is smaller than {side}x{side} pixels")


TINY = [(1, 1), (1, 7), (7, 1), (2, 2), (3, 3), (5, 12), (12, 12), (43, 44)]


@pytest.mark.parametrize("profile", list(profiles()))
@pytest.mark.parametrize("shape", TINY, ids=str)
def test_images_below_the_window_are_undefined_in_every_profile(profile, shape):
    triple = [texture(seed, *shape) for seed in range(3)]
    for name, result in score(*triple, "all", profile).items():
        assert (result.value is None) == (result.status == "undefined") == bool(result.detail), name
        assert result.value is None or np.isfinite(result.value), name
        if min(shape) < definition_of(name, profile).smallest:
            assert result.detail.startswith("the image is smaller than"), name


@pytest.mark.parametrize("profile", list(profiles()))
@pytest.mark.parametrize("fused", ["flat", "black", "white", "a", "b", "checkerboard", "two levels"])
@pytest.mark.parametrize("source", ["textured", "flat", "black"])
def test_degenerate_images_give_a_number_or_a_reason_in_every_profile(profile, source, fused):
    side = (50, 52)
    kinds = {
        "textured": texture(0, *side),
        "flat": np.full(side, 90, np.uint8),
        "black": np.zeros(side, np.uint8),
        "white": np.full(side, 255, np.uint8),
        "checkerboard": (np.indices(side).sum(0) % 2 * 255).astype(np.uint8),
        "two levels": np.where(texture(3, *side) > 127, 255, 254).astype(np.uint8),
    }
    a, b = kinds[source], texture(1, *side)
    kinds |= {"a": a, "b": b}
    for name, result in score(a, b, kinds[fused], "all", profile).items():
        assert (result.value is None) == (result.status == "undefined") == bool(result.detail), name
        assert result.value is None or np.isfinite(result.value), name


def test_what_equals_both_sources_has_no_error_in_decibels():
    scores = score(A, A, A, "MSE,RMSE,PSNR")
    assert (scores["MSE"].value, scores["RMSE"].value) == (0, 0)
    assert scores["PSNR"] == (None, "undefined", "the fused image equals both sources")


def test_two_constant_sources_have_nothing_to_keep():
    scores = score(FLAT, FLAT, FUSED, "VIFF,Nabf")
    assert {result.detail for result in scores.values()} == {"both sources are constant"}


def test_information_shared_with_nothing_has_no_norm():
    assert score(FLAT, B, BLACK, "NMI")["NMI"].detail == "the fused image and source a are constant"
    assert score(FLAT, B, FUSED, "NMI")["NMI"].status == "ok"


def test_structure_opposite_to_the_sources_is_undefined_but_the_reference_gives_a_real_part():
    a, opposite = texture(0, 60, 60, "smooth"), 255 - texture(0, 60, 60, "smooth")
    result = score(a, a, opposite, "MEF-SSIM")["MEF-SSIM"]
    assert "opposite" in result.detail
    assert score(a, a, opposite, "MEF-SSIM", "tang2023")["MEF-SSIM"].value < 0
