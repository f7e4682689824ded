"""What is said of libraries, read without them: the definitions exist, the documentation lists every call."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from metric_samples import texture
from torch import Tensor

from fusionbench.metrics import definitions, score_definitions, sources
from fusionbench.metrics.explaining import explain
from fusionbench.metrics.formulas.libraries import vif
from fusionbench.metrics.formulas.libraries.vif import pyramid
from fusionbench.metrics.image_cache import Image
from fusionbench.metrics.libraries import CALLS, VERSIONS, libraries_of

DOCS = Path(__file__).resolve().parents[3] / "docs/metrics.md"
A, B = texture(0, 176, 180, "smooth"), texture(1, 176, 180, "smooth")
FUSED = ((A.astype(int) + B) // 2).astype(np.uint8)


def by(metric: str, definition: str, a, b, fused) -> float | None:
    return score_definitions(sources(a, b), fused, [definitions(metric)[definition]])[0].value


def test_it_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, fusionbench.metrics.libraries\nprint([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_call_has_a_definition_of_two_images_or_of_one_and_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8").partition("## What libraries compute")[2]
    for call in CALLS:
        definition = definitions(call.metric)[call.definition]
        assert definition.combined or call.metric == "Edge_intensity", call
        version = f"{call.library} {VERSIONS[call.library]}"
        assert f"| {version} | {call.metric} | `{call.definition}` | `{call.call}` |" in text
    assert {call.library for call in CALLS} == set(VERSIONS)
    assert libraries_of("SSIM", "uniform-11")[0].library == "sewar"


@pytest.mark.parametrize("metric", ["SSIM", "MS-SSIM", "VIF", "PSNR"])
def test_explain_names_the_source_that_a_number_belongs_to(metric: str) -> None:
    for call in (call for call in CALLS if call.metric == metric):
        alone = by(metric, call.definition, B, B, FUSED)
        value = alone / 2 if definitions(metric)[call.definition].combined == "sum" else alone
        first = [finding for finding in explain(metric, repr(value), A, B, FUSED) if finding.distance < 1e-12]
        assert call.definition in [finding.convention.definition.name for finding in first]
        assert first[0].convention.combination == "b"


def test_explain_computes_what_a_source_and_an_image_have_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def counted(image: Image) -> list[Tensor]:
        seen.append(id(image))
        return pyramid(image)

    monkeypatch.setattr(vif, "pyramid", counted)
    explain("VIF", "0.5", *(texture(seed, 80, 96) for seed in (1, 2, 3)))
    assert len(seen) == len(set(seen)) == 3


def test_a_sum_a_mean_and_both_sources_belong_together() -> None:
    by_source = {
        finding.convention.combination: finding.score.value
        for finding in explain("SSIM", "1", A, B, FUSED)
        if finding.convention.definition.name == "uniform-11"
    }
    assert (
        by_source[""]
        == pytest.approx(by_source["a"] + by_source["b"])
        == pytest.approx(2 * by_source["mean"])
    )


def test_opposite_images_are_negative_in_sewar_alone() -> None:
    opposite = (255 - A).astype(np.uint8)
    values = {name: by("MS-SSIM", name, A, A, opposite) for name in definitions("MS-SSIM") if name != "mef"}
    assert values.pop("real-part") < -0.1
    assert all(value == pytest.approx(0, abs=0.4) and value >= 0 for value in values.values())


def test_equal_images_have_80_decibels_where_an_error_is_added() -> None:
    assert by("PSNR", "guarded", A, A, A) == pytest.approx(80)
    assert by("PSNR", "peak-4095", A, B, FUSED) == pytest.approx(
        by("PSNR", "mean-of-two", A, B, FUSED) + 20 * math.log10(4095 / 255)
    )


def test_entropy_above_zero_is_that_of_two_levels() -> None:
    dark = A.copy()
    dark[:4] = 0
    share = (dark == 0).mean()
    expected = -(share * math.log2(share) + (1 - share) * math.log2(1 - share))
    assert by("EN", "above-zero", A, B, dark) == pytest.approx(expected)


def test_the_mirrored_border_counts_as_much_as_it_is_of_the_image() -> None:
    inner = FUSED.copy()
    inner[:10], inner[-10:], inner[:, :10], inner[:, -10:] = (
        0,
        0,
        0,
        0,
    )  # only windows at the border see the loss
    lost = 2 - by("SSIM", "mirrored-border", FUSED, FUSED, inner)
    assert lost > 1.1 * (2 - by("SSIM", "canonical", FUSED, FUSED, inner)) > 0


def test_images_are_halved_from_384_pixels_on() -> None:
    large = [np.kron(image, np.ones((3, 3), np.uint8))[:384, :400] for image in (A, B, FUSED)]
    assert by("SSIM", "halved", *large) != by("SSIM", "canonical", *large)
    cut = [image[:383] for image in large]
    assert by("SSIM", "halved", *cut) == pytest.approx(by("SSIM", "canonical", *cut), rel=1e-12)
