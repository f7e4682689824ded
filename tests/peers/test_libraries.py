"""Libraries of image metrics against our definitions of what they compute (`pip install -e .[peers]`, `-m peers`).

Run with the versions that pyproject.toml pins, these tests say whether our code still knows what the libraries do; with
newer ones, what has changed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fusionbench.data.images import read_image
from fusionbench.metrics import Score
from fusionbench.metrics.explaining import Convention, ranked_conventions, scored_conventions
from fusionbench.metrics.libraries import CALLS, VERSIONS, LibraryCall

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore"),  # the libraries' own
]
ROOT = Path(__file__).resolve().parents[2]
SINGLE, VIF = 2e-4, 2e-3  # what float32 leaves of small values, and of variances, which are small differences
PAIRS = (
    "ivif_tno01_seafusion",
    "ivif_road_483x227_lap",
)  # 768x576, which piq shrinks, and one with two odd sides
METRICS = ("SSIM", "VIF", "PSNR", "MS-SSIM")


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("libraries_benchmark", ROOT / "benchmarks/libraries.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


benchmark = load()
HERE = benchmark.libraries_here()


def tested(*metrics: str) -> list[LibraryCall]:
    return [call for call in CALLS if not metrics or call.metric in metrics]


def images(folder: Path, triple: str) -> list[np.ndarray]:
    return [read_image(folder / f"{triple}_{which}.png") for which in "ABF"]


def skip_without(call: LibraryCall) -> None:
    if call.library not in HERE:
        pytest.skip(f"{call.library} is not installed")


@pytest.mark.parametrize("library", VERSIONS)
def test_versions_are_those_that_are_described(library: str) -> None:
    if library not in HERE:
        pytest.skip(f"{library} is not installed")
    assert HERE[library] == VERSIONS[library]


@pytest.mark.parametrize("call", tested(), ids=lambda call: f"{call.library} {call.metric} {call.definition}")
@pytest.mark.parametrize("triple", PAIRS)
def test_a_library_gives_what_our_definition_gives(
    call: LibraryCall, triple: str, shared_golden: Path
) -> None:
    skip_without(call)
    *pair, fused = images(shared_golden / "real/images", triple)
    for source in pair:
        ours = benchmark.our_value(call, source, fused)
        theirs = benchmark.library_value(call, source, fused)
        assert theirs == pytest.approx(ours, rel=VIF if call.metric == "VIF" else SINGLE), source.shape


@pytest.fixture(scope="module")
def scored(shared_golden: Path) -> Callable[[str, str], list[tuple[Convention, Score]]]:
    """Score a pair by every definition of a metric, once for all libraries."""

    @cache
    def score(metric: str, triple: str) -> list[tuple[Convention, Score]]:
        return scored_conventions(metric, *images(shared_golden / "real/images", triple))

    return score


@pytest.mark.parametrize(
    "call", tested(*METRICS), ids=lambda call: f"{call.library} {call.metric} {call.definition}"
)
@pytest.mark.parametrize("triple", PAIRS)
def test_explain_names_the_library_first(call: LibraryCall, triple: str, scored, shared_golden: Path) -> None:
    """Of a library's number for source a and the fused image, by all digits of float32."""
    skip_without(call)
    a, _, fused = images(shared_golden / "real/images", triple)
    first = ranked_conventions(scored(call.metric, triple), repr(benchmark.library_value(call, a, fused)))
    # equal definitions differ in the last digit of float64; adding 1e-8 to the error by less dB than float32 has
    alike = 2e-5 if call.metric == "PSNR" else 1e-12
    nearest = [finding for finding in first if finding.distance <= first[0].distance + alike]
    assert call in [known for finding in nearest for known in finding.convention.libraries]
    assert nearest[0].convention.combination == "a"
