"""What the metrics of VIFB and of Liu's toolbox promise, and what their references' slips do to them."""

import math

import numpy as np
import pytest
from metric_samples import texture
from scipy.ndimage import gaussian_filter, sobel

from fusionbench.metrics import definitions, score, score_definitions, sources

SIDE = (64, 70)
A, B, FUSED = (texture(seed, *SIDE, "smooth") for seed in range(3))
AVERAGE = ((A.astype(int) + B) // 2).astype(np.uint8)
FLAT, BLACK = np.full(SIDE, 90, np.uint8), np.zeros(SIDE, np.uint8)


def value(metric: str, a, b, fused, profile: str = "canonical") -> float:
    result = score(a, b, fused, metric, profile)[metric]
    assert result.status == "ok", result
    return result.value


def by(metric: str, definition: str, a, b, fused) -> float | None:
    return score_definitions(sources(a, b), fused, [definitions(metric)[definition]])[0].value


def why(metric: str, a, b, fused, profile: str = "canonical") -> str:
    return score(a, b, fused, metric, profile)[metric].detail


def shares(image: np.ndarray) -> np.ndarray:
    return np.bincount(image.ravel(), minlength=256) / image.size


def test_cross_entropy_is_a_divergence_without_the_levels_that_lack() -> None:
    dark = (A // 2).astype(np.uint8)  # lacks all bright levels
    p, q = shares(A), shares(dark)
    both = (p > 0) & (q > 0)
    expected = (p[both] * np.log2(p[both] / q[both])).sum()
    assert value("Cross_entropy", A, A, dark) == pytest.approx(expected, rel=1e-12)


def test_a_constant_image_can_be_better_than_perfect_in_cross_entropy() -> None:
    halves = np.where(np.indices(SIDE)[1] % 2, 90, 10).astype(np.uint8)
    assert value("Cross_entropy", halves, halves, halves) == 0
    assert value("Cross_entropy", halves, halves, FLAT) == -0.5


def test_edge_intensity_is_scipys_sobel() -> None:
    x = FUSED.astype(float)
    expected = np.hypot(sobel(x, 0, mode="nearest"), sobel(x, 1, mode="nearest")).mean()
    assert value("Edge_intensity", A, B, FUSED) == pytest.approx(expected, rel=1e-12)
    assert value("Edge_intensity", A, B, FLAT) == 0
    # 9 rows and columns lose the border in the thirds: zero padding makes an edge of a flat image
    assert by("Edge_intensity", "zero-padded", A, B, FLAT) > 0


@pytest.mark.parametrize("metric", ["Qcb", "Qcv", "QMI", "QNCIE"])
def test_the_stretch_takes_brightness_and_contrast_of_the_fused_image_away(metric: str) -> None:
    plain = (FUSED // 4 * 4).astype(np.uint8)
    faint = (plain // 4 + 60).astype(np.uint8)
    assert value(metric, A, B, faint) == pytest.approx(value(metric, A, B, plain), rel=0.02)


def test_swapped_marginals_are_told_from_those_meant() -> None:
    meant, swapped = value("QTE", A, B, AVERAGE), value("QTE", A, B, AVERAGE, "liu2012")
    assert swapped > 1.05 * meant
    assert value("QTE", A, A, A) == pytest.approx(value("QTE", A, A, A, "liu2012"), rel=0.05)


def test_tsallis_divergence_is_its_formula() -> None:
    q, joint = 0.43137, np.histogram2d(A.ravel(), B.ravel(), 256, [[0, 256]] * 2)[0] / A.size

    def divergence(h: np.ndarray) -> float:
        expected = h.sum(1)[:, None] * h.sum(0)[None]
        return (1 - (h[h > 0] ** q * expected[h > 0] ** (1 - q)).sum()) / (1 - q)

    own = divergence(np.diag(shares(A)))
    entropies = [-(p[p > 0] * np.log2(p[p > 0])).sum() for p in (shares(A), shares(B))]
    expected = (own + divergence(joint)) / (sum(h**q for h in entropies) + divergence(joint))
    assert value("QTE", A, B, A) == pytest.approx(expected, rel=1e-9)


def test_qncie_of_images_that_share_nothing_is_its_floor() -> None:
    floor = 1 - math.log(3, 256)
    rows, columns = np.indices((64, 64)) // 32
    a, b = (rows * 255).astype(np.uint8), (columns * 255).astype(np.uint8)
    assert value("QNCIE", a, b, (255 * (rows ^ columns)).astype(np.uint8)) == pytest.approx(floor, abs=1e-12)
    assert floor < value("QNCIE", A, B, AVERAGE) < 1


def test_qg_is_liu_s_qabf() -> None:
    assert value("QG", A, B, AVERAGE) == by("Qabf", "mean-of-ratios", A, B, AVERAGE)


def test_qsf_is_signed_in_the_toolbox_and_a_distance_here() -> None:
    blurred = gaussian_filter(AVERAGE.astype(float), 2).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 40, SIDE)
    noisy = np.clip(AVERAGE + noise, 0, 255).astype(np.uint8)
    assert by("QSF", "signed", A, B, blurred) < 0 < by("QSF", "signed", A, B, noisy)
    for fused in (blurred, noisy):
        assert value("QSF", A, B, fused) == abs(by("QSF", "signed", A, B, fused))
    assert by("QSF", "signed", A, B, FLAT) == -1


def test_qc_of_the_toolbox_depends_on_the_order_of_the_sources() -> None:
    opposite = (255 - A).astype(np.uint8)
    first, second = value("QC", A, opposite, A, "liu2012"), value("QC", opposite, A, A, "liu2012")
    assert first > second + 0.5
    assert value("QC", A, opposite, A) == pytest.approx(value("QC", opposite, A, A), rel=1e-12)


@pytest.mark.parametrize("metric", ["QC", "QY"])
def test_black_patches_have_a_value_here_and_none_in_the_toolbox(metric: str) -> None:
    dark = [image.copy() for image in (A, B, AVERAGE)]
    for image in dark:
        image[:20, :20] = 0
    assert 0 < value(metric, *dark) <= 1
    assert "no weight" in why(metric, *dark, profile="liu2012")


def test_qy_is_the_toolboxs_where_nothing_is_flat() -> None:
    assert value("QY", A, B, AVERAGE) == pytest.approx(value("QY", A, B, AVERAGE, "liu2012"), rel=1e-9)


def test_two_flat_windows_are_alike_by_their_levels_alone() -> None:
    level = np.full(SIDE, 100, np.uint8)
    expected = 2 * 90 * 100 / (90**2 + 100**2)
    for metric in ("QC", "QY"):
        assert value(metric, FLAT, FLAT, level) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("metric", "images", "reason"),
    [
        ("Qcb", (FLAT, B, FUSED), "source a is constant"),
        ("Qcb", (A, B, BLACK), "the fused image is constant"),
        ("Qcv", (A, FLAT, FUSED), "cannot be stretched"),
        ("Qcv", (BLACK, BLACK, FUSED), "both sources are black"),
        ("QMI", (A, B, FLAT), "cannot be stretched"),
        ("QMI", (BLACK, B, BLACK), "the fused image and source a are constant"),
        ("QNCIE", (A, B, FLAT), "cannot be stretched"),
        ("QTE", (FLAT, BLACK, FUSED), "both sources are constant"),
        ("QM", (FLAT, BLACK, FUSED), "neither source has detail"),
        ("QSF", (FLAT, BLACK, FUSED), "both sources are constant"),
        ("QP", (A, B, FLAT), "the fused image is constant"),
        ("QP", (FLAT, B, FUSED), "source a is constant"),
    ],
)
def test_what_has_no_value_says_why(metric: str, images: tuple[np.ndarray, ...], reason: str) -> None:
    assert reason in why(metric, *images)


def test_qm_drops_odd_rows_and_columns_and_is_steep() -> None:
    assert value("QM", A[:, :-1], B[:, :-1], A[:, :-1]) == value("QM", A[:, :-2], B[:, :-2], A[:, :-2])
    brighter = np.clip(A.astype(int) + 1, 0, 255).astype(np.uint8)
    assert value("QM", A, A, brighter) > 2.9  # a level more everywhere is no detail
    assert value("QM", A, A, AVERAGE) < 1


@pytest.mark.parametrize("metric", ["QP", "Qcb", "Qcv"])
@pytest.mark.parametrize("shape", [(63, 70), (64, 71), (63, 71)])
def test_odd_sides_are_taken(metric: str, shape: tuple[int, int]) -> None:
    triple = (image[: shape[0], : shape[1]] for image in (A, B, AVERAGE))
    wide = [np.pad(image, ((0, 64 - shape[0]), (0, 71 - image.shape[1])), "edge") for image in triple]
    assert math.isfinite(value(metric, *(image[: shape[0], : shape[1]] for image in wide)))
