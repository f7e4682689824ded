"""What the definitions promise, on drawn images."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metric_samples import TRIPLES, images, texture
from scipy.ndimage import gaussian_filter

from fusionbench.metrics import DEFAULT, cards, score

ANY = settings(derandomize=True, max_examples=40, deadline=None)
CLOSE = {"rel": 1e-9, "abs": 1e-12}


def value(metric: str, a, b, fused) -> float:
    result = score(a, b, fused, metric)[metric]
    assert result.status == "ok", result
    return result.value


def alone(metric: str, fused) -> float:
    """Return a metric of the fused image that does not look at the sources."""
    return value(metric, fused, fused, fused)


@ANY
@given(TRIPLES)
def test_values_lie_in_the_range_of_their_card_or_have_a_reason(triple):
    for name, result in score(*triple).items():
        low, high = cards()[name].range
        assert (result.value is None) == bool(result.detail)
        if result.value is not None:
            assert low is None or result.value >= low - 1e-9, name
            assert high is None or result.value <= high + 1e-9, name


@ANY
@given(TRIPLES)
def test_the_sources_may_be_swapped(triple):
    a, b, fused = triple
    swapped = score(b, a, fused)
    assert {name: result.value for name, result in score(a, b, fused).items()} == {
        name: result.value for name, result in swapped.items()
    }


@pytest.mark.parametrize("kind", ["noise", "smooth"])
def test_metrics_whose_card_says_symmetric_have_the_same_last_digit_for_swapped_sources(kind):
    a, b = texture(0, 96, 112, kind), texture(1, 96, 112, kind)
    fused = np.maximum(a, b)
    names = [card.name for card in cards().values() if card.symmetric and card.smallest <= len(a)]
    swapped = score(b, a, fused, names)
    for name, result in score(a, b, fused, names).items():
        # MEF-SSIM's compiled sums of products are contracted, which rounds one source's product and not the other's
        tolerance = 1e-12 if name == "MEF-SSIM" else 0
        assert swapped[name].value == pytest.approx(result.value, rel=tolerance, abs=0), name


@ANY
@given(TRIPLES)
def test_rows_and_columns_may_be_swapped(triple):
    names = [name for name in DEFAULT if name != "Qabf"]  # its angles do not wrap around
    turned = score(*(image.T for image in triple), names)
    for name, result in score(*triple, names).items():
        assert turned[name].detail == result.detail
        assert result.value is None or turned[name].value == pytest.approx(
            result.value, rel=1e-6, abs=1e-9
        ), name


@ANY
@given(images())
def test_entropy_counts_levels_and_not_their_order(fused):
    levels = len(np.unique(fused))
    assert 0 < alone("EN", fused) <= math.log2(levels) + 1e-12
    assert alone("EN", 255 - fused) == pytest.approx(alone("EN", fused), **CLOSE)


def test_entropy_of_evenly_used_levels_is_their_logarithm():
    for bits in range(9):
        fused = np.tile(np.arange(256) % 2**bits, (4, 1)).astype(np.uint8)
        assert alone("EN", fused) == pytest.approx(bits, abs=1e-12)


@ANY
@given(images(), st.sampled_from(["SD", "SF", "AG"]), st.integers(0, 55))
def test_contrast_is_scaled_and_not_shifted(fused, metric, shift):
    dark = fused // 4
    assert alone(metric, dark + np.uint8(shift)) == pytest.approx(alone(metric, dark), **CLOSE)
    assert alone(metric, dark * 3) == pytest.approx(3 * alone(metric, dark), **CLOSE)
    assert alone(metric, 255 - fused) == pytest.approx(alone(metric, fused), **CLOSE)


def test_extremes_of_contrast():
    chessboard = (np.indices((20, 30)).sum(0) % 2 * 255).astype(np.uint8)
    assert alone("SD", chessboard) == 127.5
    assert alone("SF", chessboard) == pytest.approx(255 * math.sqrt(2))
    ramp = np.tile(np.arange(0, 200, 4, dtype=np.uint8), (50, 1))
    assert alone("SF", ramp) == 4
    assert alone("AG", ramp) == pytest.approx(4 / math.sqrt(2) * 50 * 50 / (49 * 49))


@pytest.mark.parametrize("level", [0, 137, 254])
def test_one_odd_pixel_in_a_large_image_is_seen_to_the_last_digit(level):
    fused = np.full((1000, 1000), level, dtype=np.uint8)
    fused[3, 5] += 1
    assert alone("SD", fused) == pytest.approx(math.sqrt(1e6 - 1) / 1e6, rel=1e-14)
    assert alone("CC", fused) == 1.0


@ANY
@given(TRIPLES)
def test_mutual_information_is_bounded_by_entropy_and_blind_to_the_order_of_levels(triple):
    a, b, fused = triple
    information = value("MI", a, b, fused)
    assert information <= 2 * alone("EN", fused) + 1e-9
    assert value("MI", a, b, 255 - fused) == pytest.approx(information, **CLOSE)
    assert value("MI", a, a, a) == pytest.approx(2 * alone("EN", a), **CLOSE)


@ANY
@given(TRIPLES)
def test_correlation_turns_with_the_fused_image(triple):
    a, b, fused = triple
    assert value("CC", a, b, 255 - fused) == pytest.approx(-value("CC", a, b, fused), **CLOSE)
    assert value("CC", a, a, a) == pytest.approx(1)
    assert value("CC", a, a, 255 - a) == pytest.approx(-1)


@ANY
@given(images(), images())
def test_the_sum_of_the_sources_has_the_highest_scd(a, b):
    a, b = a // 2, b // 2
    assume(np.ptp(a) and np.ptp(b))
    assert value("SCD", a, b, a + b) == pytest.approx(2)


@ANY
@given(TRIPLES)
def test_difference_correlations_are_those_of_numpy(triple):
    a, b, fused = (image.astype(np.float64) for image in triple)
    assume(np.ptp(fused - a) and np.ptp(fused - b))
    expected = (
        np.corrcoef((fused - b).ravel(), a.ravel())[0, 1] + np.corrcoef((fused - a).ravel(), b.ravel())[0, 1]
    )
    assert value("SCD", *triple) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("level", [0, 5, 137])
def test_a_flat_image_keeps_nothing(level):
    flat = np.full((48, 56), level, dtype=np.uint8)
    scores = score(texture(0), texture(1, kind="smooth"), flat, "EN,SD,SF,AG,VIF,MI")
    *exact, information = (result.value for result in scores.values())
    assert exact == [0.0] * 5
    assert information == pytest.approx(0, abs=1e-12)


@ANY
@given(images())
def test_an_image_fused_with_itself(image):
    assert value("VIF", image, image, image) == pytest.approx(2, abs=1e-6)
    assert value("SSIM", image, image, image) == pytest.approx(2, abs=1e-12)
    assert 0.97 < value("Qabf", image, image, image) < 0.9754


@ANY
@given(TRIPLES)
def test_only_identical_images_reach_the_highest_similarity(triple):
    a, b, fused = triple
    assume((fused != a).any() or (fused != b).any())
    assert value("SSIM", a, b, fused) < 2
    assert value("Qabf", a, b, fused) < 0.9754


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["smooth", "black background"]))
def test_degrading_a_copy_lowers_what_measures_fidelity(seed, kind):
    source, noise = texture(seed, kind=kind), np.random.default_rng(seed).normal(0, 1, (48, 56))
    levels = []
    for sigma in (0, 8, 32):
        noisy = np.clip(source + sigma * noise, 0, 255).round().astype(np.uint8)
        levels.append({name: score(source, source, noisy)[name].value for name in DEFAULT})
    for name in ("MI", "CC", "VIF", "Qabf", "SSIM"):
        assert levels[0][name] > levels[1][name] > levels[2][name], name


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_noise_raises_what_measures_detail_and_blur_lowers_it(seed):
    image = texture(seed, kind="smooth")
    noisy = np.clip(image + np.random.default_rng(seed).normal(0, 20, image.shape), 0, 255).astype(np.uint8)
    blurred = gaussian_filter(image, 2)
    for name in ("SF", "AG"):
        assert alone(name, noisy) > alone(name, image) > alone(name, blurred)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_more_contrast_than_the_source_has_more_fidelity(seed):
    source = texture(seed, kind="smooth") // 2
    assert value("VIF", source, source, source * 2) > 2


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_qabf_weighs_strong_edges(seed, weaker):
    strong, weak = texture(seed, kind="smooth"), texture(seed + 1, kind="smooth") // 2**weaker
    assert value("Qabf", strong, weak, strong) > value("Qabf", strong, weak, weak)
