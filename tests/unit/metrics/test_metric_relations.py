"""What the metrics beyond the default set promise, and how the definitions of one metric are related."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_samples import images, texture
from scipy.ndimage import gaussian_filter

from fusionbench.metrics import DEFAULT, cards, resolve, score

FEW = settings(derandomize=True, max_examples=12, deadline=None)
SIDE = (161, 163)  # the smallest that every metric takes
BEYOND = [name for name in resolve("all") if name not in DEFAULT]
SMALL = [name for name in BEYOND if name != "MS-SSIM"]
TRIPLES = st.tuples(images(), images(), images())
A, B, FUSED = (texture(seed, *SIDE, "smooth") for seed in range(3))


def value(metric: str, a, b, fused, profile="canonical") -> float:
    result = score(a, b, fused, metric, profile)[metric]
    assert result.status == "ok", result
    return result.value


@FEW
@given(TRIPLES)
def test_values_lie_in_the_range_of_their_card(triple):
    for name, result in score(*triple, SMALL).items():
        low, high = cards()[name].range
        if result.value is not None:
            assert low is None or result.value >= low - 1e-9, name
            assert high is None or result.value <= high + 1e-9, name


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("NMI", 2), ("VIFF", 1), ("MS-SSIM", 2), ("MEF-SSIM", 1), ("Nabf", 0), ("MSE", 0), ("RMSE", 0)]
    + [("Cross_entropy", 0), ("Qcb", 1), ("Qcv", 0), ("QMI", 2), ("QM", 3), ("QS", 1), ("QC", 1), ("QY", 1)]
    + [(f"FMI_{feature}", 1) for feature in ("pixel", "gradient", "dct", "wavelet")],
)
def test_three_equal_images(metric, expected):
    assert value(metric, A, A, A) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "metric",
    [
        "MS-SSIM",
        "MEF-SSIM",
        "VIFF",
        "PSNR",
        "NMI",
        "FMI_pixel",
        "FMI_wavelet",
        "QMI",
        "QTE",
        "QG",
        "QP",
        "QS",
        "QC",
    ],
)
def test_noise_lowers_what_measures_fidelity(metric):
    average = ((A.astype(int) + B) // 2).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 12, SIDE)
    noisy = np.clip(average + noise, 0, 255).astype(np.uint8)
    assert value(metric, A, B, noisy) < value(metric, A, B, average)


def test_an_edge_that_no_source_has_is_an_artifact():
    average = ((A.astype(int) + B) // 2).astype(np.uint8)
    ringing = average.copy()
    ringing[60:70, 40:120] = 255 - ringing[60:70, 40:120] // 2
    assert value("Nabf", A, B, ringing) > value("Nabf", A, B, average)


def test_blur_makes_no_artifact():
    blurred = gaussian_filter(A.astype(float), 2).astype(np.uint8)
    assert value("Nabf", A, A, blurred) < 1e-3


def test_errors_belong_together():
    error = value("MSE", A, B, FUSED)
    differences = [(FUSED.astype(float) - source) ** 2 for source in (A, B)]
    assert error == pytest.approx(np.mean(differences), rel=1e-12)
    assert value("RMSE", A, B, FUSED) == pytest.approx(math.sqrt(error))
    assert value("PSNR", A, B, FUSED) == pytest.approx(10 * math.log10(255**2 / error))


@pytest.mark.parametrize(
    ("metric", "profile", "factor"),
    [
        ("SF", "tang2022", 1 / 255),
        ("SD", "csp-mcin", 1 / 255),
        ("MSE", "tang2023", 1 / 255**2),
        ("MI", "cddfuse", math.log(2)),
        ("MI", "vifb", math.log(2)),
        ("AG", "cddfuse", (SIDE[0] - 1) * (SIDE[1] - 1) / (SIDE[0] * SIDE[1])),
        ("VIF", "tang2023", 1),
        ("Qabf", "refinefuse", 1),
    ],
)
def test_definitions_that_differ_by_a_factor(metric, profile, factor):
    canonical = value(metric, A, B, FUSED)
    assert value(metric, A, B, FUSED, profile) == pytest.approx(factor * canonical, rel=1e-12)


def test_a_wrong_peak_adds_48_decibels():
    gain = value("PSNR", A, B, FUSED, "tang2023") - value("PSNR", A, B, FUSED)
    assert gain == pytest.approx(20 * math.log10(255), abs=1e-9)


def test_swapped_arguments_score_the_first_source():
    assert value("Nabf", A, B, FUSED, "tang2023") == pytest.approx(value("Nabf", B, FUSED, A), rel=1e-12)


def test_names_that_mean_something_else():
    assert value("MS-SSIM", A, B, FUSED, "tang2023") == value("MEF-SSIM", A, B, FUSED, "tang2023")
    assert value("SSIM", A, B, FUSED, "tang2022") == value("MEF-SSIM", A, B, FUSED, "tang2022")
    assert value("VIFF", A, B, FUSED, "cddfuse") == value("VIF", A, B, FUSED)


def test_channels_are_averaged_and_frequencies_see_them_side_by_side():
    color = np.stack([FUSED, A, B], axis=-1)
    scores = score(A, B, color, "EN,SF", "vifb")
    assert scores["EN"].value == pytest.approx(np.mean([value("EN", A, B, x) for x in (FUSED, A, B)]))
    wide = np.concatenate([FUSED, A, B], axis=1)
    assert scores["SF"].value == value("SF", wide, wide, wide, "vifb")
